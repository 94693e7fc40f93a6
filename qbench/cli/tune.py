"""``qbench tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qbench.cli.common import BATCH_SIZE

if TYPE_CHECKING:
    from rich.console import Console

    from qbench.results import Results
    from qbench.spec.model import RunSpec
    from qbench.tuning.record import Step, Tuning
    from qbench.tuning.tune import Tuner

EXAMPLES = (
    "Examples: `qbench tune study.toml --policy policy.toml --dry-run` (what it costs) | "
    "`qbench tune study.toml --policy policy.toml --by block` | `qbench run qbench-runs/study-tuned/tuned.toml`"
)


def command(
    spec: Annotated[str, typer.Argument(help="A TOML file, or the name of a preset (see `qbench list presets`).")],
    policy: Annotated[
        Path | None,
        typer.Option(help="A TOML file with the policy [default: that of the spec, else the built-in one]."),
    ] = None,
    by: Annotated[
        Literal["part", "block", "layer", "kind"],
        typer.Option(
            help="What is left out at once: a tower or a projection, a transformer block, a layer, or a kind of layer."
        ),
    ] = "block",
    model: Annotated[str | None, typer.Option(help="The label of the only model that is tuned.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the division of the items into two halves.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what is tried first, and what that costs; run nothing.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The folder of the search [default: qbench-runs/NAME-tuned].")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="The most items per benchmark, both halves together.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, or one GPU, such as cuda:1.")] = None,
    batch_size: Annotated[str | None, typer.Option(metavar="N|auto", help=BATCH_SIZE)] = None,
    dataset: Annotated[
        list[Path] | None,
        typer.Option(
            help="A dataset.toml or its folder: another benchmark, in addition to those of the spec; repeatable."
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="A new folder for the models as confirmed, saved as `qbench quantize` does.")
    ] = None,
    report: Annotated[bool, typer.Option(help="Write the HTML report at the end.")] = True,
) -> None:
    """Find the fewest bits that pass a policy: chosen on one half of the items, confirmed on the other.

    Exit code 0: confirmed, 1: nothing passes, or the confirmation fails, 2: not evaluated, 3: inconclusive. Repeat the
    command to continue a stopped search.
    """
    from qbench.cli.common import overridden
    from qbench.execution.progress import Bar
    from qbench.execution.single import check_empty
    from qbench.spec.read import read_spec
    from qbench.terminal.console import Terminal
    from qbench.tuning.tune import tuner

    console, shown = Terminal(stderr=True), Terminal()
    wanted = overridden(read_spec(spec), dataset or (), limit=limit, device=device, batch_size=batch_size)
    search = tuner(
        wanted,
        policy,
        by=by,
        seed=seed,
        model=model,
        out=out,
        run=lambda spec, folder: _run(spec, folder, console),
        tell=lambda step: _tell(step, shown),
        progress=Bar(console),
    )
    if dry_run:
        _show_cost(search, shown)
        return
    if save is not None:
        check_empty(save)
    tuning = search.tune()
    _conclude(tuning, search.folder, shown)
    if report:
        _write_report(tuning, search.folder, shown)
    if save is not None and tuning.spec is not None:
        _save(tuning, search, save, shown)
    raise typer.Exit(tuning.exit_code)


def _run(spec: RunSpec, folder: Path, console: Console) -> Results:
    from qbench.cli.run import analysed_run, executed

    executed(spec, folder, console)
    return analysed_run(folder, console)


def _show_cost(search: Tuner, console: Console) -> None:
    """Print what the search costs at most."""
    from rich.text import Text

    from qbench.cli.common import cost_in_words
    from qbench.cli.plan import show as show_plan
    from qbench.execution.forecast import forecast
    from qbench.text import counted

    spec, further = search.most()
    show_plan(spec, search.folder)
    console.print(
        "This is the most that is run before parts are left out: the search ends when something passes, and ablates by "
        f"{search.by} only what does not. After that, at most {counted(len(further), 'configuration')} with parts left "
        "out may be tried, one after the other. All of this is about the first half of the items; what passes is asked "
        "about the second."
    )
    if further:
        every = spec.model_copy(update={"quantizers": [*spec.quantizers, *further]})
        cost = forecast(every, search.folder, registry=search.registry, cache=search.cache, progress=search.progress)
        console.print(Text(f"All configurations that may be tried, together: {cost_in_words(cost)}."))


def _tell(step: Step, console: Console) -> None:
    from rich.text import Text

    console.print(Text(f"{step.configuration.bits:6.2f} bits  {step.band}  {step.configuration.quantizer.label}"))
    console.print(Text(f"             {step.sentence}"))


def _conclude(tuning: Tuning, folder: Path, console: Console) -> None:
    """Print what came of a search."""
    from rich.text import Text

    chosen, confirmation = tuning.chosen, tuning.confirmation
    if chosen is None or confirmation is None:
        console.print(Text(f"No configuration passes on the first half; no spec is written. Record: {folder}"))
        return
    left_out = f"; left out: {', '.join(chosen.left_out)}" if chosen.left_out else ""
    console.print(Text(f"Chosen: {chosen.quantizer.label}, {chosen.bits:.2f} bits per weight{left_out}"))
    console.print(Text(f"On the other half: {confirmation.band}. {confirmation.sentence}"))
    if tuning.spec is None:
        console.print(Text(f"It is not confirmed; no spec is written. The run: {tuning.confirmed_in}"))
    else:
        console.print(Text(f"Spec: {tuning.spec}"))


def _write_report(tuning: Tuning, folder: Path, console: Console) -> None:
    """Write the report of the run that decided, with the search in front of it."""
    from rich.text import Text

    from qbench.report.files import write
    from qbench.report.html import Look, sections_of
    from qbench.report.sections.tuning import section
    from qbench.results import load
    from qbench.tuning.table import tuning_table

    results = load(tuning.confirmed_in or tuning.steps[-1].folder)
    sections = [section(tuning_table(folder)), *sections_of(results, Look())]
    (path,) = write(results, folder / "report.html", ["html"], sections=sections)
    console.print(Text(f"Report: {path}\nEvery configuration: qbench export {folder} --table tuning"))


def _save(tuning: Tuning, search: Tuner, folder: Path, console: Console) -> None:
    """Save the model of each checkpoint with the configuration, as `qbench quantize` does."""
    from rich.text import Text

    from qbench.execution.single import built, keep
    from qbench.runfolder.writer import slug

    chosen = tuning.chosen
    assert chosen is not None
    for model in search.spec.models:
        with built(model, chosen.quantizer, device=search.spec.device, registry=search.registry) as made:
            label = made.model.label
            place = folder if len(search.spec.models) == 1 else folder / slug(label)
            again = keep(made, place)
        console.print(Text(f"Saved {label}: {place}; a spec loads it with the quantizer {again}"))
