"""A report as files: HTML, Markdown, LaTeX, charts for papers, and tables as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qbench.errors import InputError
from qbench.plugins.report_blocks import Chart, Section
from qbench.report import markdown_latex, vega
from qbench.report.html import Look, page, sections_of
from qbench.report.table_names import TABLES
from qbench.report.tables import plugin_tables, written
from qbench.results import Results
from qbench.store.files import atomic, write_text

FORMATS = {"html": ".html", "md": ".md", "latex": ".tex"}


def write(
    results: Results,
    out: Path,
    formats: Sequence[str],
    look: Look | None = None,
    others: Sequence[Results] = (),
    sections: Sequence[Section] | None = None,
) -> list[Path]:
    """Write the report in each format, into the same folder.

    Parameters
    ----------
    results : Results
        Of ``qbench.results.load``.
    out : pathlib.Path
        The file; of several formats, each file has this name with the ending of its format.
    formats : sequence of {"html", "md", "latex"}
        The formats.
    look : Look, optional
        What to show, and how.
    others : sequence of Results
        Runs to show beside this one.
    sections : sequence of Section, optional
        What `qbench.report.html.sections_of` made of the same run, if it is known already.

    Raises
    ------
    qbench.errors.InputError
        There is no such format, or a file of the run folder is damaged.
    """
    unknown = [f for f in formats if f not in FORMATS]
    if unknown or not formats:
        raise InputError(f"there is no format {','.join(unknown)!r}", fix=f"Choose from: {', '.join(FORMATS)}.")
    look = look or Look()
    made = sections_of(results, look, others) if sections is None else sections
    written = []
    for form, path in paths(out, formats).items():
        if form == "html":
            text = page(results, look, others, made)
        else:
            text = (markdown_latex.markdown if form == "md" else markdown_latex.latex)(results.name, made)
        write_text(path, text)
        written.append(path)
    return written


def paths(out: Path, formats: Sequence[str]) -> dict[str, Path]:
    """The file of each format.

    Examples
    --------
    >>> {form: str(path) for form, path in paths(Path("paper.tex"), ["md", "latex"]).items()}
    {'md': 'paper.md', 'latex': 'paper.tex'}
    >>> {form: str(path) for form, path in paths(Path("v1.2"), ["html", "md"]).items()}
    {'html': 'v1.2.html', 'md': 'v1.2.md'}
    >>> {form: str(path) for form, path in paths(Path("page.htm"), ["html"]).items()}
    {'html': 'page.htm'}
    """
    different = dict.fromkeys(formats)
    if len(different) == 1:
        return dict.fromkeys(different, out)
    stem = out.with_suffix("") if out.suffix in FORMATS.values() else out
    return {form: stem.with_name(f"{stem.name}{FORMATS[form]}") for form in different}


def figures(sections: Sequence[Section], folder: Path) -> list[Path]:
    """Write every chart of some sections as SVG and PDF."""
    charts = [b for s in sections for b in s.blocks if isinstance(b, Chart)]
    written = []
    for chart in charts:
        for ending, data in ((".svg", vega.svg(chart.spec).encode()), (".pdf", vega.pdf(chart.spec))):
            with atomic(folder / f"{chart.name}{ending}") as temporary:
                temporary.write_bytes(data)
            written.append(folder / f"{chart.name}{ending}")
    return written


def tables(results: Results, folder: Path) -> list[Path]:
    """Write every table of the run and of the installed plugins as CSV, except ``items``, which is large.

    A table of a plugin is in ``plugin.name.csv``.

    Raises
    ------
    qbench.errors.InputError
        A plugin failed to make its tables. All other tables are written nevertheless.
    """
    added = plugin_tables(results)
    frames = {name: getattr(results, name) for name in TABLES if name != "items"}
    frames |= results.added_tables
    frames |= {name.replace(":", "."): table for name, table in added.tables.items()}
    paths = []
    for name, frame in frames.items():
        with atomic(folder / f"{name}.csv") as temporary:
            temporary.write_bytes(written(frame, "csv"))
        paths.append(folder / f"{name}.csv")
    if added.failures:
        name, why = next(iter(added.failures.items()))
        raise InputError(f"the tables of {name} could not be made: {why}", fix="Report this to the plugin's author.")
    return paths
