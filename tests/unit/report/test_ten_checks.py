"""Ten checks that reports often miss, a test or two each.

Some need a browser or the gate alone, and stand with their likes: (2) a page without script and style, (3) no request
from ``file://``, (8) print and (9) keyboard, 320 px, forced colours, both themes and axe in
``tests/integration/test_browser.py``; (4) JSON, JUnit, Markdown, terminal and exit code in
``tests/unit/gate/test_writers.py``; (5) rules that could not run in ``test_select.py`` and ``test_judge.py`` there;
(6) at most 5 % false alarms in ``test_false_alarms.py`` there. Here is what is left of each for the page.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from qbench.gate import GateResult, GateRow
from qbench.gate.answers import answer_of
from qbench.gate.phrasing import headline, waived
from qbench.plugins.report_blocks import Band, Chart, Table, waived_words
from qbench.report import formatting, markdown_latex
from qbench.report.charts.forest import EFFECTS, SHAPES, Mark, forest
from qbench.report.context import Context
from qbench.report.html import Look, environment, page, sections_of, template_folder
from qbench.report.palette import VARIABLES, finished, script_json
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections import rules as rules_section
from qbench.report.sections import summary
from qbench.report.vega import still
from qbench.results import load
from qbench.vocabulary import Effect, RowStatus
from tests.unit.gate.conftest import Study
from tests.unit.gate.test_writers import every_state, some_waived
from tests.unit.report.intervals import with_intervals

Make = Callable[..., Any]
TABLES = Look(charts=False, sections=())
A = "openai/ViT-B-32"
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "a|b",
    "]]>",
    "a\x00b\x1b[31mc",
    "\u202egnp.exe\u2066",
    "{{7*7}}",
    "'\"><svg onload=alert(1)>",
    "x" * 2000,
)


class Nodes(HTMLParser):
    """Elements of a page, and what is written in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub("[\u2066-\u2069]", "", " ".join(" ".join(self.words).split()))


def drawing(label: str, sign: str = "worse") -> dict[str, Any]:
    mark = Mark(label=label, value=-0.02, low=-0.03, high=-0.01, effect=Effect(sign), names={"model": label})
    return forest([mark], "share", "Change, points")


@pytest.fixture
def small(make_run: Make) -> Any:
    return make_run(models=(A,), quantizers=("fp32", "hf-int8"), benchmarks=("facet",))


@pytest.mark.parametrize("name", HOSTILE)
def test_check_1_names_are_inert_in_drawings_and_in_the_scripts_data(name: str) -> None:
    root = ET.fromstring(still(drawing(name), "worst"))  # it would not parse with a name that is not escaped
    assert {e.tag.rpartition("}")[2] for e in root.iter()} <= {"svg", "g", "path", "text", "line", "rect", "circle"}
    assert not [k for e in root.iter() for k in e.attrib if k.startswith("on") or k in ("href", "style")]
    data = script_json({"worst": finished(drawing(name))})
    assert data.isascii()
    assert not set(data) & set("<>&")
    assert json.loads(data)["worst"]["data"]["values"][0]["label"] == formatting.clean(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_check_1_names_are_inert_in_markdown(small: Any, name: str) -> None:
    small.run |= {"name": name, "notes": [name]}
    for frame in small.metrics.values():
        frame["group"] = frame["group"].replace("older", name)
    text = markdown_latex.markdown(name, sections_of(load(small.write()), Look(sections=())))
    outside = "\n".join(line for line in text.splitlines() if not line.startswith("    "))  # code is shown as it is
    assert "<" not in outside
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    tables = re.findall(r"(?:^\|.*\n)+", text, re.M)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


@pytest.mark.parametrize("template", sorted(p.name for p in template_folder().glob("*.j2")))
def test_check_1_a_template_escapes_whatever_its_file_is_called(template: str, tmp_path: Path) -> None:
    (tmp_path / template).write_text("{{ x }}", encoding="utf-8")
    assert environment(tmp_path).get_template(template).render(x="<b>") == "&lt;b&gt;"


def test_check_2_nothing_needs_a_style_or_a_script() -> None:
    text = still(drawing("a"), "worst")
    assert not re.search(r"\sstyle=|<style|<script|class=\"[^\"]*hidden", text)
    colours = re.findall(r"var\((--[a-z0-9-]+)([^)]*)\)", text)
    assert colours
    assert all(rest.startswith(",#") for _, rest in colours)  # what a drawing looks like without the style sheet


def test_check_2_verdict_and_tables_are_there_before_any_script_runs(small: Any) -> None:
    found = Nodes(page(load(small.write()), TABLES))
    assert not [a for _, a in found.tags if "style" in a]
    assert [a for _, a in found.tags if a.get("class") == "verdict"]
    assert sum(tag == "table" for tag, _ in found.tags) > 5
    assert not [t for t, a in found.tags if "hidden" in a and t != "div"]


def test_check_3_nothing_on_the_page_is_elsewhere(small: Any) -> None:
    text = page(load(small.write()), TABLES)
    for _, attributes in Nodes(text).tags:
        assert not {"src", "srcset", "data", "action", "poster", "xlink:href"} & set(attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    assert not re.search(r"url\((?!#)|@import", text)


def test_check_4_the_page_says_what_the_gate_says(small: Any) -> None:
    numbers, result = RunNumbers(load(small.write())), every_state(Study())
    context = Context(numbers=numbers, gate=result)
    band, *of_parts = [b for b in summary.section(context).blocks if isinstance(b, Band)]
    assert (band.answer, band.sentence) == (result.band, result.sentence)
    for variant in result.variants:
        names = {"model": variant.model, "quantizer": variant.quantizer}
        assert next(b for b in of_parts if names.items() <= b.names.items()).answer == variant.band
    section = rules_section.section(context)
    (rules,) = [b for b in section.blocks if isinstance(b, Table) and b.caption.startswith("Each rule")]
    said = {row[0].text: (row[1].text, row[6].text) for row in rules.rows}
    assert said == {
        rule.id: (
            f"{rule.status.symbol} {rule.status.label}",
            ", ".join(f"{n:,} {s}" for s, n in rule.counts.items() if n),
        )
        for rule in result.rules
    }
    (open_,) = [b for b in section.blocks if isinstance(b, Table) and b.caption.startswith("What is inconclusive")]
    assert len(open_.rows) + open_.left_out == sum(r.status == "inconclusive" for r in result.rows)
    text = markdown_latex.markdown("x", [summary.section(context)])
    assert f"> **{result.band}**" in text
    assert f"**{result.band}**" in text.split("##")[1]
    assert text.count("> **") == 1


@pytest.mark.parametrize(("study", "least"), [(every_state, 3), (some_waived, 2)])
def test_whatever_is_filtered_has_the_answer_of_its_rows(
    small: Any, study: Callable[[Study], GateResult], least: int
) -> None:
    """As the script of the page finds it: the first part, worst first, that is within the filters."""
    result = study(Study())
    context = Context(numbers=RunNumbers(load(small.write())), gate=result)
    parts = [b for b in summary.section(context).blocks if isinstance(b, Band) and b.names]
    keys = ("model", "quantizer", "benchmark", "attribute")
    choices = [["", *dict.fromkeys(b.names[key] for b in parts if b.names[key])] for key in keys]
    answers = set()
    for chosen in itertools.product(*choices):
        wanted = {key: value for key, value in zip(keys, chosen, strict=True) if value}

        def within(names: Mapping[str, str], wanted: Mapping[str, str] = wanted) -> bool:
            return all(names[key] == value for key, value in wanted.items())

        rows = [row for row in result.rows if row.quantizer and within({key: getattr(row, key) for key in keys})]
        shown = next((b for b in parts if within(b.names)), None)
        assert (shown.answer if shown else None) == (answer_of(rows).band if rows else None)
        answers.add(shown.answer if shown else None)
        if shown:  # what is waived of all that is left
            others = [w for b in parts if within(b.names) and b is not shown for w in b.waivers]
            told = headline([row for row in rows if within_part(row, shown.names)]).told
            assert waived_words([*shown.untold, *others]) == waived(rows, told)
        if shown and shown.lead:  # it speaks of all that is left, which the page counts
            left = [b.tally for b in parts if within(b.names) and b.tally]
            assert sum(t.of for t in left) == len(rows)
            assert sum(t.number for t in left) == sum(row.status != "left out" for row in rows)
    assert len(answers) >= least


def within_part(row: GateRow, names: Mapping[str, str]) -> bool:
    return all(getattr(row, key) == value for key, value in names.items())


@pytest.mark.parametrize("change", ["nothing ran", "a cell failed", "a number is undetermined"])
def test_check_5_a_page_never_says_pass_of_what_did_not_run(empty_run: Any, change: str) -> None:
    if change != "nothing ran":
        cells = [empty_run.add(A, q, "facet") for q in ("fp32", "hf-int8")]
        empty_run.fail(A, "hf-int4", "facet") if change == "a cell failed" else None
        if "number" in change:
            empty_run.metrics[cells[1]] = empty_run.metrics[cells[1]].assign(value=math.nan)
    found = sections_of(load(empty_run.write()), TABLES)
    band, *_ = [b for b in found[0].blocks if isinstance(b, Band)]
    assert (band.answer, band.answer.colour) == ("COULD NOT EVALUATE", "error")


def test_check_7_many_groups_stay_few_nodes_with_a_count(empty_run: Any) -> None:
    groups, metrics = [f"group {i}" for i in range(200)], [f"recall@{k}" for k in (1, 5, 10)]
    metrics += ["accuracy", "top1", "top5"]
    for quantizer in ("fp32", "hf-int8", "hf-int4", "torch-int8", "bf16", "nf4"):
        cell = empty_run.add(A, quantizer, "facet", items=400)
        info = empty_run.records[cell]["benchmark_info"]
        info["attributes"] = [{"name": "place", "groups": groups, "pairs": []}]
        info["metrics"] = [{"name": m, "better": "higher", "unit": "share", "summary": ""} for m in metrics]
        shift = 0.0 if quantizer == "fp32" else 0.01
        rows = [
            (m, a, g, "", 0.5 + shift * (i % 3 - 1), 40)
            for m in metrics
            for i, (a, g) in enumerate([("", ""), *(("place", g) for g in groups)])
        ]
        empty_run.metrics[cell] = pd.DataFrame(rows, columns=["metric", "attribute", "group", "class", "value", "n"])
        empty_run.items[cell] = (
            empty_run.items[cell].drop(columns=["gender", "age"]).assign(place=[groups[i % 200] for i in range(400)])
        )
    results = load(empty_run.write())
    sections = sections_of(results, TABLES)
    text = page(results, TABLES, sections=sections)
    found = Nodes(text)
    charts = [b for s in sections for b in s.blocks if isinstance(b, Chart)]
    data = len(script_json([finished(c.spec) for c in charts]))
    assert len(text.encode()) + data < 2_000_000
    drawn = 0
    for chart in charts:  # of the heat map, one number is drawn at a time
        shown = [p["value"] for p in chart.spec.get("params", [])]
        drawn += sum(not shown or row["number"] in shown for row in chart.spec["data"]["values"])
    assert len(found.tags) + 12 * drawn < 20_000  # elements of a row of a drawing, at most
    assert "more rows are not shown" in found.text


def test_check_7_a_page_of_36_variants_is_small(make_run: Make) -> None:
    """With every still image and the data of the live ones; the script itself is not counted."""
    models = tuple(
        f"{source}/ViT-{size}" for source in ("openai", "laion", "datacomp") for size in ("B32", "B16", "L14")
    )
    run = make_run(models=models, quantizers=("fp32", "hf-int8", "hf-int4", "torch-int8"))
    text = page(with_intervals(load(run.write())), Look(sections=()))
    body = text[: text.index("<script>")]
    assert len(body.encode()) < 5_000_000
    assert len(Nodes(body).tags) < 25_000
    assert body.count("data-chart=") > 9
    assert "1 to 3 of 9" in text


def test_check_8_no_verdict_and_no_sign_needs_its_colour() -> None:
    """In grey a worse, a better and an equivalent change differ by shape, and an unknown one is hollow."""
    shapes = dict(zip(EFFECTS, SHAPES, strict=True))
    assert len({shapes[s] for s in ("worse", "better", "equivalent")}) == 3
    hollow = still(drawing("a", "inconclusive"), "x")
    assert 'fill="var(--panel,#ffffff)"' in hollow
    assert 'fill="var(--panel,#ffffff)"' not in still(drawing("a", "better"), "x")
    assert len({status.symbol for status in RowStatus}) == len(
        RowStatus
    )  # each status has its own sign beside its word


def test_check_8_every_figure_has_its_numbers_in_it(make_run: Make) -> None:
    run = make_run(models=(A,), benchmarks=("facet",))
    charts = [b for s in sections_of(load(run.write()), Look(sections=())) for b in s.blocks if isinstance(b, Chart)]
    heat = next(c for c in charts if "shade" in c.spec["data"]["values"][0])
    for row in heat.spec["data"]["values"]:
        if row["shade"]:
            assert row["short"].startswith("+" if row["shade"] > 0 else formatting.MINUS)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1, 2], ids=["light", "dark", "print"])
def test_check_9_text_and_marks_stand_out(theme: int) -> None:
    style = (template_folder() / "style.css").read_text(encoding="utf-8")
    blocks = [
        dict(re.findall(r"(--[a-z0-9-]+): (#[0-9a-f]{6})", b)) for b in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    colours = {**blocks[0], **[b for b in blocks if b][theme]}
    grounds = ("--page", "--panel", "--note", "--warning", "--error", "--pass")
    for ground in grounds:
        assert contrast(colours["--ink"], colours[ground]) >= 4.5
    for ground in grounds[:2]:
        for text in ("--soft", "--up", "--down", "--accent"):
            assert contrast(colours[text], colours[ground]) >= 4.5
    for shade in range(7):  # numbers stand on the shades of the heat map
        assert contrast(colours["--ink"], colours[f"--heat-{shade}"]) >= 4.5
    for mark in ("--up", "--down", "--soft", *(f"--series-{i}" for i in range(2, 6))):
        assert contrast(colours[mark], colours["--panel"]) >= 3
    assert set(VARIABLES.values()) <= set(colours)


TOKEN = re.compile(r"[+\u2212]?\d[\d,]*(?:\.\d+)?")
SAID = ("said", "interval", "accuracy_said", "gap_said")


def test_check_9_the_numbers_of_every_chart_are_in_a_table(make_run: Make) -> None:
    run = make_run()
    run.add_noise(2)
    sections = sections_of(with_intervals(load(run.write())), Look(sections=()))
    charts = [b for s in sections for b in s.blocks if isinstance(b, Chart)]
    kinds = {c.name.partition("-")[0] for c in charts}
    assert {"changes", "grid", "before", "groups", "trade", "flips", "noise"} <= kinds
    tables = [b for s in sections for b in s.blocks if isinstance(b, Table)]
    lines: list[tuple[set[str], str]] = []
    for table in tables:
        heads = " ".join(c.title for c in table.columns)
        for row in table.rows:
            words = " ".join([*(e.text for e in row), heads])
            lines.append((set(TOKEN.findall(words)), words))
    for chart in charts:
        for row in chart.spec["data"]["values"]:
            told = {n for key in SAID for n in TOKEN.findall(str(row.get(key, "")))}
            names = [
                row.get("quantizer", ""),
                row.get("model", "") if row.get("model") in (A, "laion/ViT-B-16") else "",
            ]
            assert told, (chart.name, row)
            assert any(told <= found and all(n in words for n in names) for found, words in lines), (chart.name, row)


def test_check_10_no_path_and_no_secret(small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_not-to-be-shown")
    text = page(load(small.write()), TABLES)
    assert text == page(load(small.folder), TABLES)
    assert "hf_not-to-be-shown" not in text
    for path in (str(tmp_path), f"{Path.home()}/", str(template_folder())):
        assert path not in text


@pytest.mark.parametrize("value", [-0.0199999, -0.0200001, 0.0, -1e-12, 0.00049])
def test_check_10_rounding_keeps_the_sign_of_nothing(value: float) -> None:
    said = formatting.change(value, "share")
    assert said.startswith(("+0.0", "0.0", "\N{MINUS SIGN}2.0"))
    assert not said.startswith("\N{MINUS SIGN}0.0")
