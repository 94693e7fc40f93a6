"""A leaner drawing is the same drawing: the same texts and outlines in the same places, in fewer elements."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from qbench.report.simplify_svg import simplify


def svg(inner: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{inner}</svg>'


def paths(text: str) -> list[str]:
    return re.findall(r' d="([^"]*)"', text)


def test_lines_and_shapes_that_look_alike_become_one_path() -> None:
    grid = "".join(f'<line transform="translate({x},0)" x2="0" y2="-5" stroke="#ccc" opacity="1"/>' for x in (1, 2.5))
    disc = "".join(f'<path transform="translate({x},1)" d="M2,0A2,2,0,1,1,-2,0Z" fill="red"/>' for x in (10, 20))
    text = simplify(svg(f'<g class="a"><g>{grid}</g><g transform="translate(0,0)">{disc}</g></g>'))
    assert paths(text) == ["M1,0L1,-5M2.5,0L2.5,-5", "M12,1A2,2,0,1,1,8,1ZM22,1A2,2,0,1,1,18,1Z"]
    assert "<g" not in text
    assert "<line" not in text


@pytest.mark.parametrize(
    ("d", "moved"),
    [
        ("M1,2L3,4Z", "M11,22L13,24Z"),
        ("M1,2h3v4h-3Z", "M11,22h3v4h-3Z"),
        ("M1,2H5V6", "M11,22H15V26"),
        ("M0,0C1,1,2,2,3,3", "M10,20C11,21,12,22,13,23"),
        ("M-1,-1.5l1e-3,2", "M9,18.5l0,2"),
    ],
)
def test_a_path_moves_with_its_transform(d: str, moved: str) -> None:
    assert paths(simplify(svg(f'<path transform="translate(10,20)" d="{d}"/>'))) == [moved]


@pytest.mark.parametrize(
    "kept",
    [
        '<path transform="translate(1,1)" d="M0,0Q1,1,2,2" />',
        '<path transform="rotate(45)" d="M0,0L1,1" />',
        '<text transform="translate(1,1)">a</text>',
    ],
)
def test_what_is_not_known_stays_as_it_was(kept: str) -> None:
    assert kept in simplify(svg(kept))


def test_what_differs_stays_apart_and_in_its_order() -> None:
    one, other = ('<path d="M0,0L1,1" fill="red"/>', '<path d="M0,0L1,1" fill="blue"/>')
    assert len(paths(simplify(svg(one + other + one)))) == 3
    faint = '<path d="M0,0L1,1" fill="red" opacity="0.5"/>'
    assert len(paths(simplify(svg(faint + faint)))) == 2


def test_moved_groups_stay_and_empty_ones_go() -> None:
    text = simplify(svg('<g transform="translate(3,4)"><path d="M0,0L1,1"/></g><g class="x"/><g><g/></g>'))
    assert text.count("<g") == 1
    assert 'transform="translate(3,4)"' in text


def test_the_commonest_font_is_said_once_and_texts_are_escaped() -> None:
    words = [f'<text font-family="{f}" font-size="11px">&lt;b&gt; &amp;</text>' for f in ("a", "a", "b")]
    text = simplify(svg("".join(words)))
    root = ET.fromstring(text)
    assert (root.get("font-family"), root.get("font-size")) == ("a", "11px")
    assert text.count("font-family") == 2
    assert [e.text for e in root] == ["<b> &"] * 3
