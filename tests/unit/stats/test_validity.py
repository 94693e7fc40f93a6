"""Guessing is recognised on counts."""

from __future__ import annotations

import pytest
from scipy import stats

from qbench.stats.validity import against_chance


@pytest.mark.parametrize(("correct", "total"), [(0, 10), (7, 80), (30, 80), (80, 80)])
def test_the_p_value_is_the_upper_tail(correct: int, total: int) -> None:
    test = against_chance(correct, total, 0.05)
    assert test.p == pytest.approx(stats.binom.sf(correct - 1, total, 0.05))
    assert test.near == (test.p >= 0.01)


def test_the_line_is_where_guessing_is_rejected() -> None:
    line = next(k for k in range(1000) if stats.binom.sf(k - 1, 1000, 0.1) < 0.01)
    assert against_chance(line - 1, 1000, 0.1).near
    assert not against_chance(line, 1000, 0.1).near


def test_far_below_chance_is_not_better_than_guessing() -> None:
    assert against_chance(0, 1000, 0.5).near


def test_no_item_cannot_be_told_from_guessing() -> None:
    test = against_chance(0, 0, 0.05)
    assert test.near
    assert "no item" in test.words()


def test_the_words_hold_the_numbers() -> None:
    words = against_chance(7, 80, 0.05).words()
    assert "7 of 80" in words
    assert "8.8 %" in words
    assert "5 %" in words


@pytest.mark.parametrize(("correct", "total", "chance"), [(1, 10, 1.5), (1, 10, -0.1), (11, 10, 0.5), (-1, 10, 0.5)])
def test_impossible_counts_are_refused(correct: int, total: int, chance: float) -> None:
    with pytest.raises(ValueError, match=r"\d right of \d|chance is"):
        against_chance(correct, total, chance)
