"""One fixture with every state: terminal, JUnit, Markdown, JSON and exit code agree; names are inert in all of them."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from qbench.gate import GateResult, GateRow
from qbench.gate.evaluate import not_evaluated
from qbench.gate.junit import to_junit
from qbench.gate.markdown import MOST, to_markdown
from qbench.gate.phrasing import found, limit, needed, needed_sentence
from qbench.gate.terminal import LINES, show
from qbench.gate.to_json import to_json
from qbench.phrasing import Movement
from qbench.vocabulary import Quantity, RowStatus
from tests.unit.gate.conftest import Study

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "a|b",
    "]]>",
    "a\x00b\x1b[31mc\x7f",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "`code` *bold* [a](http://evil.example) @somebody #1",
    "one\ntwo\r\n# three",
    "\ufffe\uffff",
    "www.evil.example",
    "x" * 500,
    "[red]rich[/red]",
]
RULES: list[dict[str, Any]] = [
    {"id": "each", "metric": "accuracy", "scope": "each_group", "limit": 0.02, "why": "a reason"},
    {"id": "strict", "metric": "main", "benchmark": "imagenet", "limit": 0.01, "inconclusive": "fail"},
    {"id": "warns", "metric": "main", "benchmark": "imagenet", "limit": 0.001, "severity": "warn"},
    {"id": "of classes", "metric": "recall", "scope": "each_class", "limit": 0.1},
    {"id": "skews", "metric": "skew", "limit": 0.1, "optional": True},
]


def every_state(study: Study) -> GateResult:
    """A pass, a failure, a warning, an inconclusive row of each kind, a waived one, one left out, an error."""
    for group, change, se in (("young", 0.0, 0.001), ("older", -0.1, 0.001), ("na", 0.0, 0.001)):
        study.effect("accuracy", change, se, attribute="age", group=group)
    for group, change, se in (("light", -0.2, 0.001), ("dark", 0.0, 0.02)):
        study.effect("accuracy", change, se, attribute="skin_tone", group=group)
    study.effect("top1", 0.0, 0.02, benchmark="imagenet")
    study.effect("recall", 0.0, benchmark="imagenet", class_="tench")
    study.effect("recall", np.nan, benchmark="imagenet", class_="goldfish", before=np.nan)
    study.effect("recall", 0.0, class_="nurse")
    study.cell("facet", "int4", status="failed", error={"what": "no such layer"})
    study.effect("top1", -0.05, 0.001, benchmark="imagenet", quantizer="int4")
    study.effect("recall", 0.0, benchmark="imagenet", quantizer="int4", class_="tench")
    waiver = {"rule": "each", "group": "skin_tone=light", "until": date(2026, 7, 1), "why": "known"}
    unused = {"rule": "each", "group": "nobody", "until": date(2026, 7, 1), "why": "once needed"}
    return study.judge(*RULES, waiver=[waiver, unused])


def some_waived(study: Study, model: str = "b32") -> GateResult:
    """int8 passes because two failures and an inconclusive number are waived; of int4 one of two failures is waived."""
    for group, change in (("older", -0.1), ("young", -0.02)):
        study.effect("accuracy", change, model=model, attribute="age", group=group)
    study.effect("accuracy", -0.2, model=model, attribute="skin_tone", group="dark")
    study.effect("accuracy", 0.0, model=model, attribute="skin_tone", group="light")
    study.effect("accuracy", -0.3, model=model, quantizer="int4", attribute="age", group="older")
    study.effect("accuracy", -0.1, model=model, quantizer="int4", attribute="skin_tone", group="light")
    for attribute, group in (("age", "young"), ("skin_tone", "dark")):
        study.effect("accuracy", 0.0, model=model, quantizer="int4", attribute=attribute, group=group)
    until = {"older": 1, "young": 2, "dark": 3}
    waivers = [{"rule": "each", "group": g, "until": date(2026, 7, day), "why": "known"} for g, day in until.items()]
    return study.judge({**RULES[0], "inconclusive": "fail"}, waiver=waivers)


@pytest.fixture
def result(study: Study) -> GateResult:
    return every_state(study)


def printed(result: GateResult, width: int = 700, *, verbose: bool = True, report: str = "") -> str:
    stream = io.StringIO()
    show(result, Console(file=stream, width=width), verbose=verbose, report=report)
    return stream.getvalue()


def test_the_fixture_has_every_state(result: GateResult) -> None:
    assert {row.status for row in result.rows} == set(RowStatus)
    assert {row.counts for row in result.rows} == {"", "warn", "inconclusive", "fail", "error"}
    assert {rule.status for rule in result.rules} == {"error", "fail", "warning", "left out"}
    assert (result.status, result.exit_code) == ("error", 2)


def test_json_is_everything(result: GateResult) -> None:
    data = json.loads(to_json(result))
    assert (data["schema"], data["status"], data["exit_code"], data["band"]) == (4, "error", 2, "COULD NOT EVALUATE")
    assert Counter(row["status"] for row in data["rows"]) == Counter(row.status for row in result.rows)
    assert [rule["id"] for rule in data["rules"]] == [rule.id for rule in result.rules]
    assert data["policy"]["rule"][0]["inconclusive"] is None
    assert data["policy"]["waiver"][0]["until"] == "2026-07-01"
    assert {row["class"] for row in data["rows"]} == {"", "tench", "goldfish", "nurse"}
    assert all(row["found"] is None for row in data["rows"] if row["status"] == "error")


def test_junit_has_real_elements_that_agree_with_the_rows(result: GateResult) -> None:
    root = ET.fromstring(to_junit(result))
    suite = root[0]
    cases = suite.findall("testcase")
    kinds = Counter(child.tag for case in cases for child in case)
    counts = Counter(row.counts for row in result.rows)
    assert kinds["error"] == counts["error"] + sum(p.level == "error" for p in result.problems)
    assert kinds["failure"] == counts["fail"] + counts["inconclusive"]
    assert len(cases) - sum(kinds.values()) == sum(row.status == "pass" for row in result.rows)
    said = [case.findtext("system-out", "") for case in cases if case.find("system-out") is not None]
    assert sum(text.startswith("warning: ") for text in said) == len(said) == kinds["system-out"]
    warned = [row for row in result.rows if row.status == "warning"]
    assert len(said) == len(warned) + sum(p.level == "warning" for p in result.problems) > len(warned) > 0
    for element in (root, suite):
        assert {k: int(element.get(k, "")) for k in ("tests", "failures", "errors", "skipped")} == {
            "tests": len(cases),
            "failures": kinds["failure"],
            "errors": kinds["error"],
            "skipped": kinds["skipped"],
        }
    properties = {p.get("name", ""): p.get("value") for p in suite.iter("property")}
    answers = {
        f"variant {v.quantizer} on {v.model}": ". ".join(filter(None, (v.band, v.waived))) for v in result.variants
    }
    assert {name: band for name, band in properties.items() if name.startswith("variant ")} == answers
    assert {name: value for name, value in properties.items() if name not in answers} == {
        "status": result.status,
        "exit_code": str(result.exit_code),
        "band": result.band,
        "sentence": result.sentence,
    }


def test_markdown_and_terminal_say_the_same(result: GateResult) -> None:
    markdown, terminal = Visible.of(to_markdown(result)), printed(result)
    for text in (markdown, terminal):
        assert text.lstrip("# ").removeprefix("qbench check: ").startswith(result.band)
        assert result.sentence in text
        for rule in result.rules:
            assert rule.id in text
            for status, n in rule.counts.items():
                assert f"{n} {status.label}" in text
        for row in result.rows:
            if row.status != "pass":
                assert row.reason in text
                assert found(row) in text
    not_passed = [row for row in result.rows if row.status != "pass"]
    for status in RowStatus:
        sign, word = status.symbol, status.label
        wanted = sum(row.status == status for row in not_passed) + sum(rule.status == status for rule in result.rules)
        assert len(re.findall(rf"^\| {re.escape(sign)} {word} \|", markdown, re.M)) == wanted
        assert len(re.findall(rf"^{re.escape(sign)} {word} ", terminal, re.M)) == wanted


def test_the_terminal_folds_at_100_columns_and_loses_nothing(result: GateResult) -> None:
    rows = tuple(replace(row, group="g" * 150) if row.unit else row for row in result.rows)
    wide, narrow = printed(replace(result, rows=rows)), printed(replace(result, rows=rows), width=100)
    assert [line for line in narrow.splitlines() if cell_len(line) > 100] == []
    wide, narrow = wide.partition("worst found")[2], narrow.partition("worst found")[2]
    assert Counter("".join(wide.split())) == Counter("".join(narrow.split()))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_without_verbose_the_terminal_gets_at_most_25_lines(result: GateResult, width: int) -> None:
    rules = tuple(replace(result.rules[0], id=f"{'r' * 60} {i}") for i in range(30))
    many = replace(result, rules=rules, problems=result.problems * 9, rows=result.rows * 9, sentence="word " * 300)
    text = printed(many, width, verbose=False, report="/runs/a/report.html")
    lines = text.splitlines()
    assert len(lines) <= LINES == 25
    assert [line for line in lines if cell_len(line.rstrip()) > width] == []
    assert lines[0] == result.band
    assert lines[-1] == "Report: /runs/a/report.html"
    for words in ("more problems: -v", "more rules: -v", "more numbers that did not pass: -v"):
        assert words in text or (width == 40 and len(re.findall(r"and [\d,]+ more: -v lists them\n", text)) == 1)


@pytest.mark.parametrize("width", [40, 60, 100])
def test_a_waived_failure_is_named_with_its_date_however_narrow_the_terminal_is(result: GateResult, width: int) -> None:
    many = replace(result, sentence="word " * 300)
    words = " ".join(printed(many, width, verbose=False).split())
    assert "1 failure is waived until 2026-07-01: int8 on b32, accuracy on facet, skin_tone=light, loses 20.0" in words


def test_a_waived_failure_stands_in_every_output_with_its_size_and_date(result: GateResult) -> None:
    waived = "1 failure is waived until 2026-07-01: int8 on b32, accuracy on facet, skin_tone=light, loses 20.0"
    (sentence,) = {result.sentence, json.loads(to_json(result))["sentence"]}
    assert waived in sentence
    for text in (printed(result), printed(result, verbose=False), to_junit(result), Visible.of(to_markdown(result))):
        assert waived in text
    (row,) = [row for row in json.loads(to_json(result))["rows"] if row["status"] == "waived"]
    assert (row["waived_until"], row["without_waiver"]) == ("2026-07-01", "fail")


def test_an_answer_that_passes_by_a_waiver_says_so_beside_it_in_every_output(study: Study) -> None:
    result = some_waived(study)
    of = {variant.quantizer: variant for variant in result.variants}
    assert (of["int8"].band, of["int4"].band) == ("PASS", "FAIL")
    assert of["int8"].waived.replace("\N{NO-BREAK SPACE}", " ") == (
        "2 failures are waived; the worst of them until 2026-07-03: int8 on b32, accuracy on facet, skin_tone=dark, "
        "loses 20.0 points (limit 2.0 points; rule each). 1 inconclusive number is waived until 2026-07-02: int8 on "
        "b32, accuracy on facet, age=young, loses 2.0 points (limit 2.0 points; rule each)."
    )
    assert of["int4"].waived.startswith("1 failure is waived until 2026-07-01: int4 on b32, accuracy on facet, age=ol")
    kept = {v["quantizer"]: v["waived"] for v in json.loads(to_json(result))["variants"]}
    properties = {p.get("name", ""): p.get("value") for p in ET.fromstring(to_junit(result)).iter("property")}
    lines = Visible.of(to_markdown(result))
    for quantizer, answer in of.items():
        assert kept[quantizer] == answer.waived
        assert properties[f"variant {quantizer} on b32"] == f"{answer.band}. {answer.waived}"
        assert answer.waived in lines
    study = Study()
    for at in range(6):
        study.effect("accuracy", -0.1 - at / 1e4, model=f"m{at}", attribute="age", group="older")
    study.means = study.populations()
    waiver = {"rule": "each", "group": "older", "until": date(2026, 7, 1), "why": "known"}
    result = study.judge(RULES[0], waiver=[waiver])
    (answer,) = result.quantizers
    assert answer.band == "PASS"
    assert answer.waived.startswith("1 failure is waived until 2026-07-01: int8, the mean over 6 checkpoints, accuracy")
    for text in (printed(result), to_junit(result), Visible.of(to_markdown(result))):
        assert answer.waived in " ".join(text.split(" "))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_column_of_the_short_answer_is_cut_and_limits_have_units(result: GateResult, width: int) -> None:
    text = printed(replace(result, problems=()), width, verbose=False)
    assert "…" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= width
    flat = " ".join(text.split())
    assert re.findall(r"\(limit [\d.]+ (\w+)\)", flat)
    assert len(re.findall(r"\(limit [\d.]+ (?:points|nats)[;)]", flat)) == flat.count("(limit ")
    for rule in result.rules[:2]:
        assert all(f"{n} {status.label}" in flat for status, n in rule.counts.items())


def test_the_short_answer_names_each_rule_and_the_worst_numbers(result: GateResult) -> None:
    text = printed(result, 160, verbose=False)
    assert " ".join(result.sentence.split()) in " ".join(text.split())
    assert all(rule.id in text for rule in result.rules)
    for row in result.rows[:3]:
        assert row.metric in text


@pytest.mark.parametrize(("code", "rules"), [(2, RULES), (1, RULES[:1]), (3, RULES[1:2]), (0, RULES[2:4])])
def test_every_output_agrees_with_the_exit_code(study: Study, code: int, rules: list[dict[str, Any]]) -> None:
    every_state(study)
    if code != 2:
        study.cells = [c for c in study.cells if c.done]
    result = study.judge(*({**rule, "quantizers": ["int8"]} if code == 3 else rule for rule in rules))
    root = ET.fromstring(to_junit(result))
    assert result.exit_code == code
    assert (code == 0) == (root.get("failures") == root.get("errors") == "0")
    assert (code == 2) == (root.get("errors") != "0")
    assert json.loads(to_json(result))["exit_code"] == code
    for text in (printed(result), to_markdown(result).removeprefix("### qbench check: ")):
        assert text.startswith(result.band)


def test_what_never_came_to_be_decided_is_an_error_in_every_output() -> None:
    result = not_evaluated("policy.toml", "unknown key 'max_dorp'", today=date(2026, 6, 30))
    assert result.exit_code == 2
    assert ET.fromstring(to_junit(result)).get("errors") == "1"
    assert json.loads(to_json(result))["policy"] is None
    assert "COULD NOT EVALUATE" in to_markdown(result)
    assert "policy.toml: unknown key 'max_dorp'" in printed(result)


# --- hostile names


class Visible(HTMLParser):
    """What a reader of Markdown's inline HTML sees, and the elements that are in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.elements = "", set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, *attrs))

    def handle_data(self, data: str) -> None:
        self.text += data

    @classmethod
    def of(cls, markdown: str) -> str:
        parser = cls()
        parser.feed(markdown)
        parser.close()
        assert parser.elements <= {("code",)}
        return parser.text.replace("\u200b", "")


def hostile(study: Study, name: str) -> GateResult:
    """The name in every place that a name can have, of rows of every kind, in errors and in the policy."""
    attribute = [{"name": name, "groups": [name], "pairs": []}]
    study.cell("facet", name, name, attributes=attribute)
    study.effect("accuracy", -0.1, attribute=name, group=name, quantizer=name, model=name)
    study.effect("recall", -0.1, 0.5, class_=name, quantizer=name, model=name)
    study.cell("facet", "other", name, status="failed", error={"what": name, "where": name})
    shown = name[:100]
    each = {"id": shown, "metric": "accuracy", "scope": "each_group", "limit": 0.01, "why": name}
    wrong = {"id": f"{shown[:90]}2", "metric": name, "limit": 0.01}
    waiver = {"rule": shown, "group": f"{name}!", "until": date(2027, 1, 1), "why": name}
    return study.judge(each, wrong, {"metric": "recall", "scope": "each_class", "limit": 0.01}, waiver=[waiver])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_inert_everywhere(study: Study, name: str) -> None:
    result = hostile(study, name)
    assert {row.status for row in result.rows} == {"error", "fail", "inconclusive"}
    data = json.loads(to_json(result))
    assert {row["group"] for row in data["rows"]} == {"", name}
    assert to_json(result).isascii()
    assert "<" not in to_json(result)
    root = ET.fromstring(to_junit(result))
    assert {e.tag for e in root.iter()} == {
        *("testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped"),
        "system-out",
    }
    markdown = to_markdown(result)
    Visible.of(markdown)
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {4, 6, 10}
    assert not re.search(r"@\w|https?:|www\.|\]\(|(?<!#)# three|^# ", markdown.replace("### qbench check: ", ""), re.M)
    for text in (markdown, printed(result), to_junit(result)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066\u2067]", text)
    assert not re.search("[\ufffe\uffff]", to_junit(result))  # XML cannot hold them
    assert "rich" not in name or "[red]" in printed(result)


def test_markdown_stays_below_what_a_comment_holds_and_counts_what_it_leaves_out(study: Study) -> None:
    for at in range(1500):
        study.effect("recall", -0.5, class_=f"class {at} <&|{'é' * 60}>")
    result = study.judge({"metric": "recall", "scope": "each_class", "limit": 0.01, "why": "w" * 5000})
    text = to_markdown(result)
    assert len(text.encode()) <= MOST
    listed = text.count("\n| ✗ fail | <code>r0</code> | <code>int8 on b32")
    assert f"{1500 - listed:,} of these 1,500 rows are left out here" in text
    assert 0 < listed < 1500


def test_markdown_stays_small_whatever_the_problems(result: GateResult) -> None:
    many = replace(result, problems=result.problems * 5000)
    assert len(to_markdown(many).encode()) <= MOST
    assert "problems are left out here" in to_markdown(many)


# --- numbers


def row(**more: Any) -> GateRow:
    return GateRow(rule="r", status=RowStatus.FAIL, unit="share", **{"low": 0.01, "high": 0.03, "limit": 0.02, **more})


@pytest.mark.parametrize("low", [0.020001, 0.0200004, 0.02000002])
def test_a_failure_never_looks_like_its_limit(low: float) -> None:
    near = row(found=0.024, low=low)
    assert limit(near).split("\N{NO-BREAK SPACE}")[0] not in found(near).replace("(", " ").replace(")", " ").split()


def test_numbers_are_short_where_they_can_be() -> None:
    near = row(found=0.0204)
    assert (plain(found(near)), plain(limit(near))) == ("loses 2.04 points (a loss of 1.00 to 3.00)", "2.00 points")
    assert plain(found(row(found=0.024))) == "loses 2.4 points (a loss of 1.0 to 3.0)"
    assert found(row(found=float("nan"))) == "–"


@pytest.mark.parametrize("quantity", Quantity)
@pytest.mark.parametrize(
    ("found", "low", "high", "drop", "growth"),
    [
        (
            0.031,
            0.014,
            0.048,
            "loses 3.1 points (a loss of 1.4 to 4.8)",
            "grows by 3.1 points (a growth of 1.4 to 4.8)",
        ),
        (
            *(-0.038, -0.102, 0.021),
            "gains 3.8 points (a gain of 10.2 to a loss of 2.1)",
            "shrinks by 3.8 points (a decrease of 10.2 to a growth of 2.1)",
        ),
        (
            -0.03,
            -0.04,
            -0.02,
            "gains 3.0 points (a gain of 2.0 to 4.0)",
            "shrinks by 3.0 points (a decrease of 2.0 to 4.0)",
        ),
        (
            0.0,
            -0.01,
            0.01,
            "does not change (a gain of 1.0 to a loss of 1.0)",
            "does not change (a decrease of 1.0 to a growth of 1.0)",
        ),
        (0.1, float("nan"), float("nan"), "loses 10.0 points", "grows by 10.0 points"),
    ],
)
def test_the_direction_is_a_word_and_no_sign(
    quantity: Quantity, found: float, low: float, high: float, drop: str, growth: str
) -> None:
    words = Movement(loss=found, low=low, high=high, unit="share", quantity=quantity).words
    assert plain(words) == (drop if quantity is Quantity.DROP else growth)


def test_terminal_markdown_junit_and_page_use_the_same_words(result: GateResult) -> None:
    row = next(r for r in result.rows if r.status == "fail")
    for text in (printed(result), Visible.of(to_markdown(result)), to_junit(result)):
        assert found(row) in text


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_items_that_are_needed_answer_the_question_that_is_open() -> None:
    of = {"status": RowStatus.INCONCLUSIVE, "needed": 6100, "items": 2016}
    assert needed_sentence(replace(row(), **of, needed_to="pass")) == "6,100 items would decide it (now 2,016)"
    at_k = replace(row(), **of, needed_to="pass", metric="skew@1000", needed_k=3026)
    assert needed_sentence(at_k) == "6,100 items with k = 3,026 would decide it (now 2,016 with k = 1,000)"
    assert needed(at_k) == "6,100 with k = 3,026 would decide"
    assert needed_sentence(replace(row(), **of, needed_to="fail")) == "6,100 items would prove this loss (now 2,016)"
    assert needed_sentence(row()) == ""


def test_a_row_says_the_limit_and_the_flag_that_the_line_of_its_rule_does_not(study: Study) -> None:
    study.effect("accuracy", -0.05, attribute="age", group="young")
    wide = {"attribute": "age", "group": "older", "margin": 0.3, "flags": "near-chance"}
    study.effect("accuracy", -0.25, **wide)
    result = study.judge({"role": "accuracy", "scope": "each_group"})
    shown = " ".join(printed(result, 200, verbose=False).split())
    assert "limit 30.0" in shown.partition("age=older")[2]
    assert "cannot be told from chance" in shown.partition("age=older")[2]
