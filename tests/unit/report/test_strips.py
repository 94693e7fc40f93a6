"""Axes hold zero and all numbers; strips say direction by shape and place."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qbench.plugins.report_blocks import MARGIN, WIDTH
from qbench.report.strips import axis, outline, strip


@given(st.lists(st.floats(min_value=-3, max_value=3) | st.just(math.nan), max_size=20))
def test_everything_is_inside_the_drawing(values: list[float]) -> None:
    scale = axis(values, scale=100.0)
    for value in [0.0, *(x for x in values if math.isfinite(x))]:
        assert MARGIN - 0.1 <= scale.at(value) <= WIDTH - MARGIN + 0.1
    assert 2 <= len(scale.ticks) <= 6
    assert any(float(label.replace("−", "-")) == 0 for _, label in scale.ticks)
    assert len({label for _, label in scale.ticks}) == len(scale.ticks)


def test_ticks_are_round_and_in_the_unit_of_the_labels() -> None:
    scale = axis([-0.031, 0.013], scale=100.0)
    assert [label for _, label in scale.ticks] == ["−4", "−2", "0", "2"]
    assert scale.ticks[2][0] == scale.zero


@pytest.mark.parametrize(("end", "tone"), [(0.02, "up"), (-0.02, "down"), (0.0, "")])
def test_a_change_starts_at_zero(end: float, tone: str) -> None:
    scale = axis([0.02, -0.02])
    drawn = strip(scale, end)
    assert drawn is not None
    assert (drawn.start, drawn.tone, drawn.open) == (scale.zero, tone, False)
    assert (drawn.end > drawn.zero, drawn.end < drawn.zero) == (end > 0, end < 0)


def test_before_and_after_are_two_marks() -> None:
    scale = axis([0.05, 0.02])
    drawn = strip(scale, 0.02, 0.05)
    assert drawn is not None
    assert drawn.open
    assert drawn.start > drawn.end > drawn.zero


def test_nothing_is_drawn_for_what_is_undetermined() -> None:
    scale = axis([0.1])
    assert strip(scale, math.nan) is None
    assert strip(scale, 0.1, math.nan) is None


@pytest.mark.parametrize(
    ("end", "start", "parts"), [(0.02, None, 2), (-0.02, None, 2), (0.02, 0.05, 4), (0.0, None, 2)]
)
def test_a_strip_is_one_path_that_is_filled(end: float, start: float | None, parts: int) -> None:
    scale = axis([0.05, -0.05])
    drawn = strip(scale, end, start)
    assert drawn is not None
    path = outline(drawn)
    assert path.count("M") == path.count("z") == parts  # the way, the mark, and a ring with its hole
    assert ("a4.5" in path) is (end >= 0 or start is not None)
    assert set(path) <= set("MHVhvaz0123456789.- ")
