"""``qbench report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qbench.cli.common import RUN, run_folder

EXAMPLES = (
    "Examples: `qbench report qbench-runs/demo --open` | `qbench report RUN RUN2` (side by side) | "
    "`qbench report RUN --format html,md,latex --figures figures --tables tables`"
)


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(
            parser=run_folder,
            metavar="RUN...",
            help=f"{RUN} Others are shown in addition to the first one.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file; of several formats, each with its own ending [default: RUN/report.html; with --policy "
            "FILE RUN/report-FILE.html]."
        ),
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="html, md or latex; separate several by commas.")] = "html",
    figures: Annotated[Path | None, typer.Option(help="Write every chart as SVG and PDF to this folder.")] = None,
    tables: Annotated[Path | None, typer.Option(help="Write every table as CSV to this folder.")] = None,
    charts: Annotated[
        bool, typer.Option(help="Draw charts; without them the page is small and has only tables.")
    ] = True,
    template_dir: Annotated[
        Path | None, typer.Option(help="A folder with templates or a style.css that replace those of qbench.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="A TOML file with the policy [default: that of the spec, else the built-in one]."),
    ] = None,
    gallery: Annotated[
        int, typer.Option(min=0, help="The number of flipped items to show per group. These are images of people.")
    ] = 0,
    data_root: Annotated[
        list[str] | None,
        typer.Option(metavar="BENCHMARK=FOLDER", help="The folder of the gallery's images; repeatable."),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
) -> None:
    """Write the report of a run: one file that needs no network. Needs no model."""
    from contextlib import nullcontext

    from qbench.cli.common import report_path
    from qbench.errors import InputError
    from qbench.policy.model import read_policy
    from qbench.report import files
    from qbench.report.html import Look, sections_of
    from qbench.results import load
    from qbench.runfolder.writer import concluding
    from qbench.text import counted

    roots = dict(x.partition("=")[::2] for x in data_root or [])
    wrong = [name for name, root in roots.items() if not Path(root).is_dir() or not root]
    if wrong:
        raise InputError(
            f"the folder of {wrong[0]!r} does not exist", where="--data-root", fix="Write BENCHMARK=FOLDER."
        )
    if template_dir is not None and not template_dir.is_dir():
        raise InputError(
            "the folder does not exist", where=str(template_dir), fix="Check the path after --template-dir."
        )
    look = Look(
        charts=charts,
        templates=template_dir,
        gallery=gallery,
        data_roots={name: Path(root) for name, root in roots.items()},
    )
    first, *others = [load(run) for run in runs]
    if policy is not None:
        first = first.judged_by(read_policy(policy))
    there = {cell.benchmark for cell in first.records}
    strange = [name for name in roots if name not in there]
    if strange:
        fix = f"Benchmarks of this run: {', '.join(sorted(there)) or 'none'}."
        raise InputError(f"this run has no benchmark {strange[0]!r}", where="--data-root", fix=fix)
    formats = [x.strip() for x in format_.split(",") if x.strip()]
    default = report_path(runs[0], policy, files.FORMATS.get(formats[0] if formats else "", ".html"))
    sections = sections_of(first, look, others)
    # A report that is written elsewhere needs no permission to write in the run folder.
    with concluding(runs[0]) if out is None else nullcontext():
        written = files.write(first, out or default, formats, look, others, sections)
    for path in written:
        typer.echo(f"Report: {path}")
    if figures is not None:
        typer.echo(f"Figures: {counted(len(files.figures(sections, figures)), 'file')} in {figures}")
    if tables is not None:
        typer.echo(f"Tables: {counted(len(files.tables(first, tables)), 'file')} in {tables}")
    if open_:
        import webbrowser

        if not webbrowser.open(written[0].resolve().as_uri()):
            typer.echo("No browser was found. Open the file in a browser.", err=True)
