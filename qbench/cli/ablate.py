"""``qbench ablate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from qbench.cli.common import BATCH_SIZE

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from qbench.execution.plan import Plan

EXAMPLES = (
    "Examples: `qbench ablate study.toml --by block --dry-run` (what it costs) | "
    "`qbench ablate demo --model demo/skewed --quantizer hf-int4 --benchmark facet` | "
    "`qbench ablate study.toml --by layer --leave-one-out --device cuda` | "
    "`qbench export RUN --table ablation` (every part and number)"
)
SHOWN = 8
"""Changes that are printed for each ablation."""


def command(
    spec: Annotated[str, typer.Argument(help="A TOML file, or the name of a preset (see `qbench list presets`).")],
    by: Annotated[
        Literal["part", "block", "layer", "kind", "head"],
        typer.Option(
            help="What is one part: a tower or a projection, a transformer block, a layer, all layers of a kind, or an "
            "attention head."
        ),
    ] = "block",
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Quantize all parts but one, instead of one part only.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="The label of the only model that is ablated.")] = None,
    quantizer: Annotated[str | None, typer.Option(help="The label of the only quantizer that is ablated.")] = None,
    benchmark: Annotated[str | None, typer.Option(help="The label of the only benchmark that is asked.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the variants, what has to be asked, and the time; run nothing.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The run folder [default: qbench-runs/NAME-only-BY].")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The most items per benchmark.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, or one GPU, such as cuda:1.")] = None,
    batch_size: Annotated[str | None, typer.Option(metavar="N|auto", help=BATCH_SIZE)] = None,
    dataset: Annotated[
        list[Path] | None,
        typer.Option(
            help="A dataset.toml or its folder: another benchmark, in addition to those of the spec; repeatable."
        ),
    ] = None,
    report: Annotated[bool, typer.Option(help="Write the HTML report at the end.")] = True,
) -> None:
    """Quantize one part of the models at a time, and show which parts carry the changes, overall and by group.

    Each quantizer of the spec is tried on every part alone, beside the whole quantizer. A tower that a variant leaves
    alone is not asked again. Repeat the command to continue a stopped run.
    """
    from qbench.cli.common import overridden, write_report
    from qbench.cli.plan import show as show_plan
    from qbench.cli.run import analysed_run, executed, exit_if_failed
    from qbench.execution.ablation import ablated
    from qbench.execution.plan import default_folder, make_plan, narrowed
    from qbench.execution.progress import Bar
    from qbench.plugins.registry import installed
    from qbench.spec.read import read_spec
    from qbench.terminal.console import Terminal
    from qbench.text import shell_command

    console = Terminal(stderr=True)
    given = overridden(read_spec(spec), dataset or (), limit=limit, device=device, batch_size=batch_size)
    whole = narrowed(given, installed(), model=model, quantizer=quantizer, benchmark=benchmark)
    wanted = ablated(whole, by, leave_one_out=leave_one_out, progress=Bar(console))
    folder = out or default_folder(wanted)
    if dry_run:
        show_plan(wanted, folder)
        Terminal().print(variants_in_words(make_plan(wanted, installed()), len(whole.quantizers), by))
        return
    done = executed(wanted, folder, console)
    results = analysed_run(folder, console)
    _show(results.ablation, Terminal())
    typer.echo(f"Every part and number: {shell_command('qbench', 'export', folder, '--table', 'ablation')}")
    write_report(results, wanted=report)
    exit_if_failed(done, console)


def variants_in_words(plan: Plan, whole: int, by: str) -> str:
    """How many variants an ablation has, and for how many of them a tower is not asked.

    `plan` is that of the ablation, and `whole` how many quantizers it has that are not variants of its parts.
    """
    from qbench.text import counted

    said = f"The ablation has {counted(len(plan.quantizers) - whole, 'variant')}, one for each {by} of each quantizer."
    left = [tower for quantizer in plan.quantizers for tower in plan.left_alone(quantizer)]
    if not left:
        return said
    images, texts = left.count("image"), left.count("text")
    return (
        f"{said} With whole quantizers, answers of a control arm are reused by {images} that encode no image and "
        f"{texts} that encode no text."
    )


def _show(table: pd.DataFrame, console: Console) -> None:
    """Print what was found in each ablation: the changes with the smallest p-values."""
    from rich.text import Text

    from qbench.report.ablation_rows import answer, found_rows

    for (model, quantizer, direction), rows in table.groupby(["model", "quantizer", "direction"], sort=False):
        console.print(Text(f"{model} · {quantizer}", style="bold"))
        console.print(Text(answer(rows, str(direction))))
        shown = found_rows(rows)[:SHOWN]
        if shown:
            console.print(_table(shown))


def _table(rows: list[dict[str, str]]) -> object:
    from rich.table import Table
    from rich.text import Text

    table = Table(*rows[0], box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(text, overflow="fold") for text in row.values()))
    return table
