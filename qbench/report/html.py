"""From sections to one HTML file, which needs no network and is complete without its script."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from qbench.errors import QbenchError
from qbench.gate import GateResult, check
from qbench.plugins.records import ReportSection
from qbench.plugins.registry import installed
from qbench.plugins.report_blocks import (
    Block,
    Box,
    Chart,
    Column,
    Entry,
    Part,
    Section,
    Table,
    Tally,
    Template,
    Text,
    Waivers,
    name,
    tallied,
    waived_words,
)
from qbench.report.context import Context
from qbench.report.formatting import clean
from qbench.report.markdown_latex import left_out
from qbench.report.palette import finished, script_json, themed
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections import NOT_MEASURED, ordered
from qbench.report.strips import outline
from qbench.report.vega import Drawings, bundle, policy_hash
from qbench.results import Results
from qbench.store.cache import Cache
from qbench.store.files import write_text
from qbench.text import counted

NAME = re.compile(r"[a-z][a-z0-9-]*")
LEAST_ROWS = 2
"""A built-in chart of fewer rows is left out: there is nothing to compare in it, and a table has its number."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the reader chose.

    Attributes
    ----------
    charts : bool
        Whether to draw charts; without them the page is small and quickly made, and has its tables and strips.
    templates : pathlib.Path or None
        A folder whose files replace the templates of the same name.
    gallery : int
        How many flipped items per group to show as thumbnails; 0 for none.
    data_roots : mapping
        Benchmark → the folder of its images.
    sections : iterable of ReportSection or None
        The sections of plugins; those that are installed if None.
    """

    charts: bool = True
    templates: Path | None = None
    gallery: int = 0
    data_roots: Mapping[str, Path] = field(default_factory=dict)
    sections: Sequence[ReportSection] | None = None


def template_folder() -> Path:
    """Find the templates: in the installed package, or beside the source code.

    Raises
    ------
    FileNotFoundError
        There are none: the installation is broken.
    """
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "templates", here.parents[2] / "templates"):
        if (folder / "report.html.j2").is_file():
            return folder
    raise FileNotFoundError("qbench's templates are not installed: reinstall qbench-vlm")


@cache
def environment(own: Path | None = None) -> jinja2.Environment:
    """Make the template environment, once. It escapes every text, whatever the name of the template's file.

    The templates of a reader are run in a sandbox. Those of qbench are not, because it takes half of the time.
    """
    return _environment(SandboxedEnvironment if own else jinja2.Environment, own)


@cache
def sandbox() -> jinja2.Environment:
    """Make the environment of the templates that sections of plugins bring, once."""
    return _environment(SandboxedEnvironment)


def _environment(kind: type[jinja2.Environment], own: Path | None = None) -> jinja2.Environment:
    return kind(
        loader=jinja2.FileSystemLoader([*([own] if own else []), template_folder()]),
        autoescape=True,  # select_autoescape would leave .j2 files unescaped
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalize(value: Any) -> Any:
    return clean(value, isolates=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def sections_of(
    results: Results, look: Look, others: Sequence[Results] = (), gate: GateResult | None = None
) -> list[Section]:
    """Make all sections of a run, in order; the code of a plugin that fails is replaced by its error.

    Raises
    ------
    qbench.errors.InputError
        A file of the run folder is missing or damaged.
    """
    context = _context(results, look, others, gate)
    added = look.sections
    if added is None:
        added = [e.record for e in installed().report_sections()]
    known = {id(x) for x in added}
    found = [_section(record, results, context, foreign=id(record) in known) for record in ordered(added)]
    absent = [s for s in found if _is_absent(s)]
    shown = [s for s in found if not _is_absent(s)]
    return [replace(s, blocks=[*s.blocks, *_absent(absent)]) if s.id == NOT_MEASURED else s for s in shown]


def _is_absent(section: Section) -> bool:
    """Whether a section has nothing to show and only says why."""
    return len(section.blocks) == 1 and isinstance(section.blocks[0], Text) and section.blocks[0].absent


def _absent(sections: Sequence[Section]) -> list[Block]:
    """Make the table of the sections that this page does not have, and why."""
    rows = [[name(s.title, head=True), Entry(s.blocks[0].text)] for s in sections if isinstance(s.blocks[0], Text)]
    if not rows:
        return []
    heads = [Column("Section"), Column("Why")]
    return [Table(caption="Sections that are not on this page, and why", columns=heads, rows=rows, closed=True)]


def _context(results: Results, look: Look, others: Sequence[Results] = (), gate: GateResult | None = None) -> Context:
    return Context(
        numbers=RunNumbers(results),
        gate=gate or check(results),
        others=others,
        gallery=look.gallery,
        data_roots=look.data_roots,
    )


def _section(record: ReportSection, results: Results, context: Context, *, foreign: bool) -> Section:
    id_ = record.name if NAME.fullmatch(record.name) else "unnamed"
    if foreign:
        id_ = f"x-{id_}"
    try:
        blocks: list[Block] = list(record.render(results, context))
    except Exception as error:
        if isinstance(error, QbenchError) and not foreign:
            raise  # a file of the run folder is damaged, and no section is right without it
        blocks = [failed(error)]
    if not foreign:
        blocks = [b for b in blocks if not isinstance(b, Chart) or len(b.spec["data"]["values"]) >= LEAST_ROWS]
    return Section(id_, record.title, blocks, record.place)


def failed(error: Exception) -> Box:
    """Make the box that replaces a section, or a part of one, that could not be made."""
    return Box("This section failed", f"{type(error).__name__}: {error}", "error")


def page(
    results: Results,
    look: Look | None = None,
    others: Sequence[Results] = (),
    sections: Sequence[Section] | None = None,
) -> str:
    """Render the report of a run. The same results give the same text.

    Parameters
    ----------
    results : Results
        Of ``qbench.results.load``.
    look : Look, optional
        What to show, and how.
    others : sequence of Results
        Runs to show beside this one.
    sections : sequence of Section, optional
        What `sections_of` made of the same run, if it is known already.

    Raises
    ------
    qbench.errors.InputError
        A file of the run folder is missing or damaged.
    """
    look = look or Look()
    env = environment(look.templates)
    style = _source(env, "style.css")
    data = _ScriptData()
    made = sections_of(results, look, others) if sections is None else sections
    parts = [(s, _rendered(env, s, look, data)) for s in made]
    scripts = [bundle(), _source(env, "charts.js")] if data.charts else []
    keys = ("model", "quantizer", "benchmark")
    names = {key: list(dict.fromkeys(getattr(c, key) for c in results.done)) for key in keys}
    names["quantizer"] += dict.fromkeys(one.name for one in results.declared)
    names["attribute"] = [str(a) for a in dict.fromkeys(results.metrics["attribute"]) if a]
    return env.get_template("report.html.j2").render(
        title=results.name,
        created=results.run.created[:16].replace("T", " "),
        version=results.run.qbench_version,
        sections=[(s.id, s.title, body) for s, body in parts if s.place == "main"],
        appendix=[(s.id, s.title, body) for s, body in parts if s.place == "appendix"],
        style=Markup(style),  # a file of qbench or of the reader; it contains no text of a run
        style_hash=Markup(policy_hash(style)),
        script_hashes=Markup(" ".join(policy_hash(x) for x in scripts) or "'none'"),
        scripts=[Markup(x) for x in scripts],
        charts=Markup(themed(script_json(data.charts))),
        parts=Markup(script_json(data.parts)),
        filters=names,
        having=_benchmarks_by_attribute(results),
    )


def _benchmarks_by_attribute(results: Results) -> str:
    """JSON: attribute → the benchmarks that have numbers of it, all as the page names them."""
    found: dict[str, list[str]] = {}
    names = results.metrics[["attribute", "benchmark"]].drop_duplicates().astype(str)
    for attribute, benchmark in names[names["attribute"] != ""].itertuples(index=False, name=None):
        found.setdefault(_finalize(attribute), []).append(_finalize(benchmark))
    return json.dumps(found)


def _source(env: jinja2.Environment, name: str) -> str:
    assert env.loader is not None
    return env.loader.get_source(env, name)[0]


@dataclass(frozen=True)
class _ScriptData:
    """What the script of a page works with: the charts by name, and what texts say of parts of the run."""

    charts: dict[str, Any] = field(default_factory=dict)
    parts: list[list[dict[str, Any]]] = field(default_factory=list)
    drawings: Drawings = field(default_factory=lambda: Drawings(Cache()))

    def drawn(self, chart: Chart) -> Markup:
        """The still image of a chart, which the script replaces."""
        return self.drawings.still(chart.spec, chart.name)

    def keep(self, parts: Sequence[Part | Tally]) -> int:
        """Keep what a text says of parts, and return their place.

        Each has its ``names`` and, as far as it has them, ``tally`` (number and of), ``lead``, ``text``, ``waivers``.
        """
        self.parts.append([_kept(part) for part in parts])
        return len(self.parts) - 1


def _kept(part: Part | Tally) -> dict[str, Any]:
    names = {key: _finalize(name) for key, name in part.names.items()}
    if isinstance(part, Tally):
        return {"names": names, "tally": [part.number, part.of]}
    texts = {"lead": _finalize(part.lead), "text": _finalize(part.text)}
    tally = [part.tally.number, part.tally.of] if part.tally else []
    known = {**texts, "tally": tally, "waivers": kept_waivers(part.waivers)}
    return {"names": names, **{key: value for key, value in known.items() if value}}


def kept_waivers(waivers: Sequence[Waivers]) -> list[list[Any]]:
    """What the script of a page adds up: what is counted, the number, the worst with its excess, and whether others."""
    return [[w.one, w.several, w.number, w.excess, _finalize(w.worst), w.other] for w in waivers]


def _rendered(env: jinja2.Environment, section: Section, look: Look, data: _ScriptData) -> Markup:
    """Render the blocks of a section; a block that cannot be rendered is replaced by its error."""
    macro: Any = env.get_template("blocks.html.j2").make_module(
        {
            **{"drawn": data.drawn, "outline": outline, "parts": data.keep, "own": _own, "charts": look.charts},
            **{
                "counted": counted,
                "left_out": left_out,
                "tallied": tallied,
                "kept_waivers": kept_waivers,
                "waived_words": waived_words,
            },
        }
    )
    found = []
    for i, block in enumerate(section.blocks, 1):
        try:
            if isinstance(block, Chart) and look.charts:
                data.charts[block.name] = finished(block.spec)
            found.append(macro.block(block, f"{section.id}-{i}"))
        except Exception as error:  # noqa: BLE001
            if isinstance(block, Chart):
                data.charts.pop(block.name, None)
            found.append(macro.block(failed(error), f"{section.id}-{i}"))
    return Markup("").join(found)


def _own(block: Template) -> Markup:
    """Render a section's own template, with the same escaping."""
    return Markup(sandbox().from_string(block.source).render(**block.data))


def part(results: Results, record: ReportSection, *, gate: GateResult | None = None) -> str:
    """Render one section of a plugin, as it is below its title in the page. Tests use this in place of a whole page.

    Parameters
    ----------
    results : Results
        Of ``qbench.results.load``.
    record : ReportSection
        The section.
    gate : GateResult, optional
        The answer of the gate for the run, if it is known already.
    """
    look = Look()
    section = _section(record, results, _context(results, look, gate=gate), foreign=True)
    return str(_rendered(environment(), section, look, _ScriptData()))


def render(
    results: Results,
    out: Path,
    look: Look | None = None,
    others: Sequence[Results] = (),
    gate: GateResult | None = None,
) -> Path:
    """Write the report of a run to `out`, completely or not at all.

    Parameters
    ----------
    results : Results
        Of ``qbench.results.load``.
    out : pathlib.Path
        The file; its folder is created.
    look : Look, optional
        What to show, and how.
    others : sequence of Results
        Runs to show beside this one.
    gate : GateResult, optional
        The answer of the gate for the run, if it is known already.
    """
    look = look or Look()
    write_text(Path(out), page(results, look, others, sections_of(results, look, others, gate)))
    return Path(out)
