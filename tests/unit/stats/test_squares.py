"""Unbiased squares: against the plain formula, without bias, and silent where they are not known to hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qbench.stats.squares import squared_disparity


def _world(rng: np.random.Generator, per_group: int = 60, classes: int = 6, flip: float = 0.05, gap: float = 0.2):
    label = np.repeat(np.arange(classes), 2 * per_group)
    side = np.tile(np.repeat([1, -1], per_group), classes)
    before = (rng.random(len(label)) < 0.5 + side * gap / 2).astype(float)
    after = np.where(rng.random(len(label)) < flip, 1 - before, before)
    return before, after, label, side, np.arange(len(label))


def test_one_person_a_image_is_the_plain_formula() -> None:
    f, q, label, side, image = _world(np.random.default_rng(1))
    found = squared_disparity(f, q, label, side, image)

    def of(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        groups = [[x[(label == c) & (side == g)] for g in (1, -1)] for c in range(6)]
        return (
            np.array([a.mean() - b.mean() for a, b in groups]),
            np.array([a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b) for a, b in groups]),
        )

    (d_f, v_f), (d_q, v_q), (_, v_d), (_, v_s) = of(f), of(q), of(q - f), of(q + f)
    assert found.before == pytest.approx(np.mean(d_f**2 - v_f))
    assert found.change == pytest.approx(np.mean((d_q**2 - v_q) - (d_f**2 - v_f)))
    s, d, c = d_q + d_f, d_q - d_f, v_q - v_f
    variance = np.sum(s**2 * v_d + d**2 * v_s + 2 * s * d * c - v_s * v_d - c**2) / 36
    assert found.se == pytest.approx(math.sqrt(variance))
    assert found.low < found.change < found.high


def test_squares_are_not_inflated_by_noise() -> None:
    rng = np.random.default_rng(2)
    found = [squared_disparity(*_world(rng, gap=0.2)) for _ in range(400)]
    assert np.mean([x.before for x in found]) == pytest.approx(0.04, abs=0.002)
    # after: 5 % of answers turned, so that the gap is 0.9 times as large
    assert np.mean([x.change for x in found]) == pytest.approx(0.04 * (0.81 - 1), abs=0.001)


def test_persons_of_a_image_are_one_unit() -> None:
    f, q, label, side, image = _world(np.random.default_rng(3))
    double = [np.repeat(v, 2) for v in (f, q, label, side, image)]
    once, twice = squared_disparity(f, q, label, side, image), squared_disparity(*double)
    assert twice.se == pytest.approx(once.se, rel=0.02)
    assert twice.change == pytest.approx(once.change, rel=0.1, abs=1e-4)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"per_group": 20}, "a class has fewer than 30 items of a group"),
        ({"flip": 0.0}, "no item flipped"),
        ({"gap": 0.0}, "no disparity is shown that could be amplified"),
        ({"per_group": 1}, "no class has two items of both groups"),
    ],
)
def test_no_interval_where_it_is_not_known_to_hold(options: dict[str, float], reason: str) -> None:
    found = squared_disparity(*_world(np.random.default_rng(7), **options))
    assert found.reason == reason
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_nothing_at_all() -> None:
    assert squared_disparity([], [], [], [], []).reason == "no class has two items of both groups"
    f = np.ones(120)
    same = squared_disparity(f, f, np.zeros(120, int), np.repeat([1, -1], 60), np.arange(120))
    assert same.reason == "no item flipped"
