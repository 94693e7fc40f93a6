"""Numbers and names as a reader sees them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbench import text
from qbench.report import formatting

NAN = math.nan


@pytest.mark.parametrize(
    ("number", "unit", "shown"),
    [
        (0.6329, "share", "63.3 %"),
        (1.0, "share", "100.0 %"),
        (-0.0, "share", "0.0 %"),
        (0.034, "points", "3.4 points"),
        (-0.2, "points", "−20.0 points"),
        (0.12345, "nats", "0.123"),
        (-0.0001, "nats", "0.000"),
        (NAN, "share", "undetermined"),
        (math.inf, "nats", "undetermined"),
    ],
)
def test_values(number: float, unit: str, shown: str) -> None:
    assert formatting.value(number, unit).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(
    ("number", "unit", "shown"),
    [
        (0.021, "share", "+2.1 points"),
        (-0.021, "points", "−2.1 points"),
        (-0.0004, "share", "0.0 points"),
        (0.0, "nats", "0.000"),
        (0.5, "nats", "+0.500"),
        (NAN, "points", "undetermined"),
    ],
)
def test_changes(number: float, unit: str, shown: str) -> None:
    assert formatting.change(number, unit).replace("\u00a0", " ") == shown


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9), st.integers(0, 4))
def test_zero_has_no_sign(number: float, decimals: int) -> None:
    text = formatting.fixed(number, decimals, sign=True)
    assert "-" not in text
    zero = not any(c in "123456789" for c in text)
    assert (text[0] in "+−") is not zero


@pytest.mark.parametrize(
    ("log10_p", "shown"),
    [
        (math.log10(0.0341), "0.034"),
        (math.log10(3.2e-7), "3·10⁻⁷"),
        (math.log10(9.7e-5), "1·10⁻⁴"),
        (-807.4, "4·10⁻⁸⁰⁸"),
    ],
)
def test_p_values(log10_p: float, shown: str) -> None:
    assert formatting.p_value(max(10.0**log10_p, 1e-300), log10_p) == shown


def test_intervals_and_counts() -> None:
    assert formatting.interval(-0.048, -0.014, "share") == "[−4.8, −1.4]"
    assert formatting.interval(NAN, NAN, "share") == "undetermined"
    assert formatting.count(1, "cell") == "1\u00a0cell"
    assert formatting.count(1240, "query", "queries") == "1,240\u00a0queries"


def test_steering_characters_become_visible() -> None:
    hostile = "a\u202eb\u2066c\u2069\x00\x1b\u200fd\u2028"
    shown = formatting.clean(hostile)
    assert shown == r"a\u202eb\u2066c\u2069\u0000\u001b\u200fd\u2028"
    assert formatting.clean("שלום – تجربة\n") == "שלום – تجربة\n"


def test_a_name_in_a_sentence_is_short_and_cannot_leave_its_isolate() -> None:
    assert formatting.isolated("a\u2069b") == "\u2068a\\u2069b\u2069"
    long = formatting.isolated("start" + "x" * 500 + "the end")
    assert len(long) == text.NAME + 2
    assert long.startswith("\u2068start")
    assert long.endswith("the end\u2069")


def test_a_long_list_says_what_it_leaves_out() -> None:
    assert formatting.listing([str(i) for i in range(10)], 2).endswith("and 8 more")
