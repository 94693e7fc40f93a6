"""Rankings that depend on query and image, and on the baseline's; the accuracy that is lost."""

from __future__ import annotations

import numpy as np
import pytest

from qbench.stats.validity import accuracy_loss, in_gallery_order, rank_agreement, same_for_every_query


def shuffles(seed: int, queries: int = 4, n: int = 50) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(n) for _ in range(queries)])


def test_the_order_of_the_gallery() -> None:
    assert in_gallery_order(np.tile(np.arange(50), (3, 1))) == 1
    assert in_gallery_order(shuffles(0)) == pytest.approx(0.5, abs=0.15)
    half = np.r_[np.arange(25, 50), np.arange(25)]  # two kinds of images
    assert in_gallery_order(half[None]) == pytest.approx(48 / 49)
    assert in_gallery_order(np.zeros((2, 1), dtype=np.int64)) == 0


def test_one_ranking_for_all_queries() -> None:
    one = shuffles(0, 1)
    assert same_for_every_query(np.tile(one, (4, 1))) == 1
    assert same_for_every_query(shuffles(0)) == 0
    assert same_for_every_query(one) == 0  # nothing to compare it with
    assert same_for_every_query(np.array([np.arange(50), np.arange(50)[::-1]])) == 0  # the mean has no order
    rounded = np.tile(one, (4, 1))
    rounded[1, :2] = rounded[1, 1::-1]
    assert same_for_every_query(rounded) == 1


def test_agreement_with_the_baseline() -> None:
    same = rank_agreement(shuffles(0), shuffles(0))
    assert (same.mean, same.high) == pytest.approx((1, 1))
    none = rank_agreement(shuffles(0), shuffles(1))
    assert abs(none.mean) < 0.2
    assert none.mean < none.high < 0.5
    few = rank_agreement(shuffles(0, n=3), shuffles(1, n=3))
    assert few.high == 1  # three images cannot show that nothing is left


def test_a_loss_is_seen_more_surely_in_more_images() -> None:
    before, after = np.arange(100) < 60, np.arange(100) < 30
    alone = accuracy_loss(before, after, np.arange(100), 0.2)
    together = accuracy_loss(before, after, np.arange(100) // 10, 0.2)
    assert (alone.before, alone.after, alone.loss) == pytest.approx((0.6, 0.3, 0.5))
    assert together.low < alone.low < 0.5 < alone.high < together.high
    assert "50 % of the baseline's accuracy (98 % interval: " in alone.words()
