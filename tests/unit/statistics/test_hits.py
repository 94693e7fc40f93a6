"""The correlation of two groups' changes through images that show persons of both."""

from __future__ import annotations

import numpy as np
import pytest

from qbench.statistics.hits import ALONE, correlation, mean_variance


def shared(seed: int, images: int, share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Changes, group and image of couples, a share of which change together."""
    rng = np.random.default_rng(seed)
    draw = np.repeat(rng.random(images), 2)
    alone = np.repeat(rng.random(images) >= share, 2)
    draw[alone] = rng.random(int(alone.sum()))
    x = np.select([draw < 0.1, draw > 0.9], [1, -1]).astype(np.int8)
    return x, np.tile([0, 1], images), np.repeat(np.arange(images), 2)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_it_is_that_of_means_drawn_again_by_image(share: float) -> None:
    x, group, image = shared(1, 3000, share)
    found = correlation(x, group, 2, image, np.array([0]), np.array([1]))
    rng = np.random.default_rng(2)
    by_image = np.stack([x[group == 0], x[group == 1]]).astype(float)
    means = np.stack([by_image[:, rng.integers(0, 3000, 3000)].mean(1) for _ in range(2000)])
    assert found[0] == pytest.approx(np.corrcoef(means.T)[0, 1], abs=0.06)
    assert found[0] == pytest.approx(share, abs=0.06)


def test_it_is_the_formula_by_hand_pair_by_pair() -> None:
    x = np.array([1, -1, 1, 1, 0, 0, -1, 0], dtype=np.int8)
    cell, image = np.array([0, 1, 2, 0, 1, 2, 0, -1]), np.array([0, 0, 0, 1, 1, 1, 2, 2])
    first, second = np.array([0, 1, 0, 2]), np.array([1, 0, 2, 2])
    found = correlation(x, cell, 3, image, first, second)
    sums = np.zeros((3, 3))
    for c in range(3):
        mine = x[cell == c].astype(float)
        for value, at in zip(mine - mine.mean(), image[cell == c], strict=True):
            sums[at, c] += value
    for got, a, b in zip(found, first, second, strict=True):
        root = np.sqrt((sums[:, a] ** 2).sum() + ALONE) * np.sqrt((sums[:, b] ** 2).sum() + ALONE)
        assert got == pytest.approx((sums[:, a] * sums[:, b]).sum() / root)


def test_one_flip_in_one_image_does_not_make_two_groups_one() -> None:
    x, group, image = np.zeros(40, np.int8), np.tile([0, 1], 20), np.repeat(np.arange(20), 2)
    x[:2] = 1
    assert 0 < correlation(x, group, 2, image, np.array([0]), np.array([1]))[0] < 0.25


def test_no_item_and_no_shared_image_is_no_correlation() -> None:
    none = np.zeros(0, np.int64)
    assert correlation(none.astype(np.int8), none, 2, none, np.array([0]), np.array([1])).tolist() == [0]
    x = np.array([1, -1, 1, 0], dtype=np.int8)
    assert correlation(x, np.array([0, 0, 1, 1]), 2, np.arange(4), np.array([0]), np.array([1])).tolist() == [0]


def test_the_variance_of_a_level_has_images_as_units_and_is_never_below_that_of_items() -> None:
    rng = np.random.default_rng(0)
    n = 1200
    cell = np.repeat([0, 1, -1], n // 3)
    image = np.arange(n) // 4
    alike = rng.integers(0, 3, n // 4)[image].astype(np.int8)  # all items of an image have one value
    alone = mean_variance(alike, cell, 2, np.arange(n))
    assert alone == pytest.approx([alike[cell == c].var(ddof=1) / (n // 3) for c in (0, 1)])
    assert mean_variance(alike, cell, 2, image) == pytest.approx(4 * alone, rel=0.02)
    opposite = np.tile([0, 2, 0, 2], n // 4).astype(np.int8)  # the sum of an image is always the same
    assert mean_variance(opposite, cell, 2, image) == pytest.approx(mean_variance(opposite, cell, 2, np.arange(n)))
    assert np.isnan(mean_variance(alike[:1], cell[:1], 2, image[:1])).all()
