"""The answer as JUnit XML, for CI servers: one test case per finding, with real ``<failure>`` and ``<error>``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from xml.etree import ElementTree as ET

from qbench.gate.phrasing import because, found, limit, named, place, said, size, variant
from qbench.gate.result import GateResult, GateRow, QuantizerResult, VariantResult
from qbench.text import counted, sentence
from qbench.vocabulary import GateStatus, Level, RowStatus

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Element = Literal["", "failure", "error", "skipped", "system-out"]


def to_junit(result: GateResult) -> str:
    """Write a result as JUnit XML.

    What counts as an error is an ``<error>``; what counts as failed, or as inconclusive where the policy fails that, is
    a ``<failure>``; what else is inconclusive, waived or left out is ``<skipped>``, with the words. A warning or a note
    is a case that passes and says so in ``<system-out>``. So the exit code is 0 exactly where the file has no failure
    and no error.
    """
    suite = ET.Element("testsuite", name=_clean(f"qbench check {named(result.run)}"))
    for row in result.findings:
        name = ", ".join(x for x in (named(row.metric), place(row)) if x)
        classname = " / ".join(x for x in (named(row.rule), named(row.benchmark), variant(row)) if x)
        _case(suite, classname, name or named(row.rule), element(row), row.status, _words(row))
    for rule in result.rules:
        if rule.worst is None and rule.status is RowStatus.LEFT_OUT:
            _case(suite, named(rule.id), "the rule", "skipped", RowStatus.LEFT_OUT, said(rule.reason))
    for problem in result.problems:
        level: Element = "error" if problem.level is Level.ERROR else "system-out"
        _case(suite, "policy", said(problem.where), level, problem.level, said(problem.what))
    counts = {
        "tests": len(suite),
        "failures": len(suite.findall("*/failure")),
        "errors": len(suite.findall("*/error")),
        "skipped": len(suite.findall("*/skipped")),
    }
    root = ET.Element("testsuites", name="qbench check")
    for one in (root, suite):
        for key, count in counts.items():
            one.set(key, str(count))
    properties = ET.Element("properties")
    for key, value in _properties(result):
        ET.SubElement(properties, "property", name=_clean(key), value=_clean(value))
    suite.insert(0, properties)
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _properties(result: GateResult) -> Iterator[tuple[str, str]]:
    """The answer, and that of each variant and each quantizer."""
    yield from (("status", result.status), ("exit_code", str(result.exit_code)))
    yield from (("band", result.band), ("sentence", result.sentence))
    for answer in result.variants:
        yield f"variant {named(answer.quantizer)} on {named(answer.model)}", _band(answer)
    for mean in result.quantizers:
        over = counted(mean.checkpoints, "checkpoint", "checkpoints")
        yield f"quantizer {named(mean.quantizer)} over {over}", _band(mean)


def _band(answer: VariantResult | QuantizerResult) -> str:
    return ". ".join(filter(None, (answer.band, answer.waived)))


def element(row: GateRow) -> Element:
    """What a row is in JUnit's words."""
    if row.counts is GateStatus.ERROR:
        return "error"
    if row.counts in (GateStatus.FAIL, GateStatus.INCONCLUSIVE):
        return "failure"
    if row.status is RowStatus.WARNING:
        return "system-out"
    return "" if row.status is RowStatus.PASS else "skipped"


def _case(suite: ET.Element, classname: str, name: str, kind: Element, status: str, words: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=_clean(classname), name=_clean(name))
    if kind == "skipped":
        ET.SubElement(case, kind, message=_clean(f"{status}: {words}"))
    elif kind == "system-out":
        ET.SubElement(case, kind).text = _clean(f"{status}: {words}")
    elif kind:
        ET.SubElement(case, kind, type=status, message=_clean(words)).text = _clean(words)


def _words(row: GateRow) -> str:
    numbers = f"{found(row)}, limit {limit(row)}, n = {size(row)}: " if row.unit else ""
    waiver = f" (waived {said(row.waiver)})" if row.waiver else ""
    why = f" Why this limit: {said(row.why)}" if row.why else ""
    return sentence(f"{numbers}{because(row)}{waiver}") + why


def _clean(text: str) -> str:
    """Characters that XML 1.0 cannot hold at all, made visible."""
    return _ILLEGAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
