"""``qbench diagnose``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qbench.cli.common import BATCH_SIZE

if TYPE_CHECKING:
    from rich.console import Console

    from qbench.diagnosis.chain import Step
    from qbench.diagnosis.diagnose import Diagnosis, Link, Loss
    from qbench.execution.forecast import Forecast

EXAMPLES = (
    "Examples: `qbench diagnose study.toml --quantizer hf-int4` (which step of a quantizer loses) | "
    "`qbench diagnose mine.toml --reference openai/ViT-B-32` (also preprocessing and export of a converted checkpoint)"
)

DESCRIBING = frozenset({"layers", "coverage", "data", "provenance"})
"""The sections that describe a run. A step alone has no variant and no baseline, so that the others have no answer."""


def command(
    spec: Annotated[str, typer.Argument(help="A TOML file, or the name of a preset (see `qbench list presets`).")],
    reference: Annotated[
        str | None,
        typer.Option(help="The checkpoint from which the model was made: source/checkpoint as in a spec, or a path."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The label of the model, if the spec has several.")] = None,
    quantizer: Annotated[
        str | None, typer.Option(help="The label of the variant's quantizer, if the spec has several.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the steps, what has to be asked, and the time; run nothing.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The folder of all steps [default: qbench-runs/NAME-diagnosis].")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The most items per benchmark.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, or one GPU, such as cuda:1.")] = None,
    batch_size: Annotated[str | None, typer.Option(metavar="N|auto", help=BATCH_SIZE)] = None,
    report: Annotated[bool, typer.Option(help="Write the HTML report at the end.")] = True,
) -> None:
    """Find the step between a reference and a variant that loses accuracy.

    The steps are the device, the preprocessing, the export of the checkpoint, a cast, the precision of the weights, the
    precision of the activations, and the batches. Repeat the command to continue a stopped diagnosis.
    """
    from qbench.cli.common import overridden
    from qbench.diagnosis.diagnose import diagnoser
    from qbench.execution.progress import Bar
    from qbench.spec.read import read_spec
    from qbench.terminal.console import Terminal

    shown = Terminal()
    wanted = overridden(read_spec(spec), limit=limit, device=device, batch_size=batch_size)
    search = diagnoser(
        wanted,
        reference,
        model=model,
        quantizer=quantizer,
        out=out,
        tell=lambda link: _tell(link, shown),
        progress=Bar(Terminal(stderr=True)),
    )
    if dry_run:
        _show_costs(search.costs(), shown)
        return
    found = search.diagnose()
    _conclude(found, shown)
    if report:
        _write_report(found, search.folder, shown)


def _show_costs(costs: list[tuple[Step, Forecast]], console: Console) -> None:
    """Print what each step has to ask, and how long that takes where speeds were measured on this machine."""
    from rich.text import Text

    from qbench.cli.common import asked_in_words, cost_in_words
    from qbench.text import counted, duration

    total: Counter[str] = Counter()
    for step, cost in costs:
        total.update(cost.answers)
        console.print(Text(f"{step.name}: {cost_in_words(cost)}"))
    known = [cost.seconds for _, cost in costs if cost.seconds is not None]
    unknown = sum(cost.unmeasured > 0 or cost.unknown > 0 for _, cost in costs)
    every = f"All {counted(len(costs), 'step')}: {asked_in_words(total)}"
    console.print(Text(f"{every}; the towers of a step that is named take one run more."))
    if known:
        console.print(Text(f"Time to ask the models, from speeds measured on this machine: {duration(sum(known))}."))
    if unknown:
        steps = counted(unknown, "step")
        console.print(Text(f"The time of {steps} is not known, because nothing like it has run on this machine yet."))


def _tell(link: Link, console: Console) -> None:
    """Print one step with what it loses against the step before."""
    from rich.text import Text

    console.print(Text(f"{link.name}{': cannot be made' if link.skipped else ': fails' if link.error else ''}"))
    if link.error:
        console.print(Text(f"    {link.error}"))
    for loss in link.losses:
        console.print(Text(f"    {_said(loss)}"))


def _said(loss: Loss) -> str:
    return f"{loss.metric} on {loss.benchmark} {loss.movement.words}, p = {loss.p:.3g}"


def _conclude(found: Diagnosis, console: Console) -> None:
    """Print which steps are named, and the towers of the first of them."""
    from rich.text import Text

    for loss in found.total:
        console.print(Text(f"All steps together: {_said(loss)}"))
    named = found.named
    if not named:
        console.print(Text("No step is named: no loss of the whole chain goes with one of its steps."))
        return
    console.print(Text(f"Named (p corrected for all steps): {'; '.join(named)}"))
    for link in found.towers:
        _tell(link, console)


def _write_report(found: Diagnosis, folder: Path, console: Console) -> None:
    """Write all steps, and what the report of the last one that ran says of its layers, data and environment."""
    from rich.text import Text

    from qbench.diagnosis.record import TABLE, diagnosis_table
    from qbench.report.files import write
    from qbench.report.html import Look, sections_of
    from qbench.report.sections.diagnosis import section
    from qbench.results import load
    from qbench.text import shell_command

    results = load(found.last_run)
    described = [s for s in sections_of(results, Look()) if s.id in DESCRIBING]
    sections = [section(diagnosis_table(folder)), *described]
    (path,) = write(results, folder / "report.html", ["html"], sections=sections)
    again = shell_command("qbench", "export", folder, "--table", TABLE)
    console.print(Text(f"Report: {path}\nEvery step: {again}"))
