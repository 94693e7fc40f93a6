"""``qbench data``: commands on datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qbench.execution.data_check import CheckedData
    from qbench.gate.power import PlannedRow, Power
    from qbench.spec.model import BenchmarkSpec

EXAMPLES = (
    "Examples: `qbench data check fairface --root ~/data/fairface` | `qbench data check mine/dataset.toml --decode` | "
    "`qbench data check coco --root coco --option split=karpathy-test --format json`"
)

app = typer.Typer(help="Commands on datasets.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _main() -> None:
    pass


@app.command("check", epilog=EXAMPLES)
def check(
    benchmark: Annotated[str, typer.Argument(help="A benchmark (see `qbench list`), or a dataset.toml or its folder.")],
    root: Annotated[Path | None, typer.Option(help="The folder of the data [default: QBENCH_DATA/NAME].")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="An option of the benchmark, as name=value; repeatable.")
    ] = None,
    decode: Annotated[
        bool, typer.Option("--decode", help="Decode every image, instead of reading its header only.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Missing images are a warning instead of an error.")
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Name every image and value that is wrong, not the first few.")
    ] = False,
    format_: Annotated[Literal["table", "json"], typer.Option("--format", help="The format.")] = "table",
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="How many processes look at images [default: one per processor core]."),
    ] = None,
) -> None:
    """Check whether a dataset is complete and valid, and count the items of each group. Exit code 2 if it is not."""
    from qbench.data.validation import SHOWN
    from qbench.execution.data_check import as_dict, check_data
    from qbench.execution.progress import Bar
    from qbench.plugins.registry import installed
    from qbench.terminal.console import Terminal

    spec = _spec(benchmark, root, option or [], allow_missing)
    checked = check_data(spec, installed(), decode=decode, workers=workers, progress=Bar(Terminal(stderr=True)))
    foreseen = None if checked.wrong else _foreseen(spec)
    left_out = [row for row in foreseen.rows if row.left_out] if foreseen else []
    if format_ == "json":
        import json

        found = as_dict(checked, shown=None if all_ else SHOWN) | {
            "left_out_by_gate": [_plain(row) for row in left_out]
        }
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _print(checked, None if all_ else SHOWN, left_out, foreseen.unjudged if foreseen else ())
    if checked.wrong:
        raise typer.Exit(2)


def _spec(benchmark: str, root: Path | None, options: list[str], allow_missing: bool) -> BenchmarkSpec:
    from qbench.declared.record import NAME
    from qbench.errors import InputError
    from qbench.plugins.registry import installed
    from qbench.spec.model import BenchmarkSpec
    from qbench.spec.preset_list import presets
    from qbench.spec.words import read_options
    from qbench.store.files import user_path

    known = {name for entry in installed().benchmarks() for name in (entry.record.name, entry.qualified)}
    if benchmark not in known and Path(benchmark).exists():
        if root is not None:
            raise InputError("--root is for the name of a benchmark; a dataset.toml says where its data is")
        benchmark, root = NAME, Path(benchmark)
    elif benchmark not in known and benchmark in presets():
        fix = f"`qbench plan {benchmark}` says what it would run, and whether the data is there."
        raise InputError("this is a spec, and not a benchmark or a dataset.toml", where=f"preset {benchmark}", fix=fix)
    return BenchmarkSpec(
        name=benchmark,
        root=str(user_path(root, where="--root")) if root is not None else "",
        options=read_options(options),
        allow_missing=allow_missing,
    )


def _foreseen(spec: BenchmarkSpec) -> Power:
    """What the gate with the built-in policy can decide, whatever a model answers."""
    from qbench.execution.plan import plan_benchmark
    from qbench.gate.designs import design_of
    from qbench.gate.power import power
    from qbench.plugins.registry import installed
    from qbench.store.cache import Cache

    design = design_of(plan_benchmark(spec, installed()), None, Cache())
    return power(designs=[design], flips=())


def _plain(row: PlannedRow) -> dict[str, str]:
    names = {"metric": row.metric, "attribute": row.attribute, "group": row.group, "class": row.class_}
    return names | ({"cause": row.left_out.cause, "remedy": row.left_out.remedy} if row.left_out else {})


def _print(checked: CheckedData, shown: int | None, left_out: list[PlannedRow], unjudged: Sequence[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    from qbench.execution.unavailable_lines import unavailable_lines
    from qbench.gate.power import left_out_lines, unjudged_lines
    from qbench.terminal.console import Terminal
    from qbench.text import counted

    console = Terminal(soft_wrap=True)
    console.print(Text(f"{checked.benchmark}: {checked.root}"))
    items, images = counted(checked.items, "item"), counted(checked.images, "image")
    console.print(f"{items} in {images}; {counted(len(checked.labels), 'class', 'classes')}\n")
    table = Table("attribute", "group", "items", box=None, padding=(0, 2, 0, 0))
    for attribute, groups in checked.groups.items():
        for group, number in groups.items():
            table.add_row(Text(attribute), Text(group or "(empty)"), f"{number:,}")
    if checked.groups:
        console.print(table)
        console.print()
    of_gate = (*left_out_lines(left_out, "--format json"), *unjudged_lines(unjudged))
    for line in (*unavailable_lines(checked.unavailable), *of_gate):
        console.print(Text(line))
    for finding in checked.findings:
        console.print(Text(f"{finding.level}: {finding.what}", style="red" if finding.level == "wrong" else "yellow"))
        for example in finding.examples[:shown]:
            console.print(Text(f"    {example}"))
        if shown is not None and len(finding.examples) > shown:
            console.print(Text(f"    and {len(finding.examples) - shown:,} more: --all lists them"))
    if not checked.findings:
        console.print("Nothing is wrong.")
    console.print(Text(f"\nlicence: {checked.record.licence or 'not known'}"))
    if checked.fingerprint:
        console.print(Text(f"fingerprint: {checked.fingerprint}"))
