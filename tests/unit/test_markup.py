"""Markdown and LaTeX: texts stay what they are, tables have the shape that they should have."""

from __future__ import annotations

import html
import re

import pytest

from qbench.markup import escape_latex, escape_markdown, latex_table, markdown_table

MARKUP = [
    *("*a*", "_a_", "**a**", "__a__", "`a`", "~~a~~", "$a$", "# a", "- a", "+ a", "---", "===", "[a](b)", "![a](b)"),
    *("<b>", "&lt;", "a|b", "\\*a\\*", "{a}", "@name", "a@b.de", "https://a.de", "www.a.de", ":smile:", "^a^", "#12"),
]


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_escaped_in_markdown_and_reads_as_it_was(text: str) -> None:
    escaped = escape_markdown(text)
    assert escaped != text
    assert not re.search(r"[\\`*{}\[\]|~$@^<>]|(?<!&)#|https?:|www\.|:\w|^[-+=] |^-+$|^=+$", escaped)
    assert html.unescape(escaped).replace("\u200b", "") == text


@pytest.mark.parametrize(
    "text", ["mean_recall", "age: older", "−2.3 points", "+2.3", "-2.3", "(n = 12)", "a.b", "50 %"]
)
def test_ordinary_text_stays_readable_in_markdown(text: str) -> None:
    assert escape_markdown(text) == text


def test_a_row_of_latex_does_not_start_with_an_option() -> None:
    assert [escape_latex(x) for x in ("[1]", "*", "−1")] == ["{[}1]", "{*}", "$-$1"]


def test_a_long_table_repeats_its_head_and_has_a_caption() -> None:
    lines = latex_table(["a_b", "c"], [["x", "1"]], [False, True], caption="50 %").splitlines()
    assert lines == [
        *(r"\begin{longtable}{lr}", r"\caption{50 \%}\\", r"\toprule", r"a\_b & c \\", r"\midrule", r"\endhead"),
        *(r"x & 1 \\", r"\bottomrule", r"\end{longtable}"),
    ]


def test_an_empty_head_is_a_cell_in_markdown() -> None:
    assert markdown_table(["", "n"], [], [False, True]) == "|   | n |\n| --- | ---: |\n"
