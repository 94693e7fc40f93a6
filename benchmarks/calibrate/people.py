"""Simulated images of persons with a class and a group, whose answers flip, together or each alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Design:
    """Who is in which image; fixed over the replicates of a world.

    Attributes
    ----------
    label, side, image : numpy.ndarray
        ``(n,)`` int: the class; 1 in the first group, -1 in the second; the image.
    """

    label: np.ndarray
    side: np.ndarray
    image: np.ndarray

    def strata(self) -> tuple[np.ndarray, np.ndarray]:
        """The stratum of each person and the coefficients of the mean disparity over the classes with both groups."""
        classes = int(self.label.max()) + 1
        n = np.stack([np.bincount(self.label[self.side == g], minlength=classes) for g in (1, -1)])
        both = (n > 0).all(0)
        share = np.where(both, 1 / both.sum(), 0.0)
        return self.label + np.where(self.side > 0, 0, classes), np.r_[share, -share]


def design(rng: np.random.Generator, sizes: list[tuple[int, int]], persons: int) -> Design:
    """Classes of so many persons of the first and the second group, one to `persons` of any class in an image."""
    label = np.repeat(np.arange(len(sizes)), [a + b for a, b in sizes])
    side = np.concatenate([np.repeat([1, -1], pair) for pair in sizes])
    image = np.repeat(np.arange(len(label)), rng.integers(1, persons + 1, len(label)))[: len(label)]
    return Design(label, side, rng.permutation(image))


def heavy_tailed(
    rng: np.random.Generator, classes: int, median: int, share: float, least: int
) -> list[tuple[int, int]]:
    """Sizes of classes as in annotated photographs: a few large, many small; `share` of each in the second group."""
    size = median * np.exp(rng.normal(0, 0.9, classes))
    return [(max(round(n * (1 - share)), least), max(round(n * share), least)) for n in size]


@dataclass(frozen=True)
class Rates:
    """Shares of persons of the two groups who gain, and who lose."""

    gain: tuple[float, float]
    loss: tuple[float, float]

    def change(self) -> float:
        """Of the disparity, in each class."""
        return (self.gain[0] - self.loss[0]) - (self.gain[1] - self.loss[1])


def nothing(flip: tuple[float, float]) -> Rates:
    """As many gains as losses."""
    half = (flip[0] / 2, flip[1] / 2)
    return Rates(half, half)


def same_loss(flip: tuple[float, float]) -> Rates:
    """Both groups lose the same, half of the smaller flip rate."""
    loss = min(flip) / 2
    return Rates(tuple((f - loss) / 2 for f in flip), tuple((f + loss) / 2 for f in flip))


def loses(flip: tuple[float, float], change: float) -> Rates:
    """The first group loses `change`, more of it flipping where that takes it."""
    first = max(flip[0], change)
    return Rates(((first - change) / 2, flip[1] / 2), ((first + change) / 2, flip[1] / 2))


def flips(rng: np.random.Generator, people: Design, rates: Rates, shared: float) -> np.ndarray:
    """After minus before ``(n,)``; with probability `shared` a person does what the image does."""
    n = len(people.label)
    draw = rng.random(n)
    if shared > 0:
        of_image = rng.random(int(people.image.max()) + 1)[people.image]
        draw = np.where(rng.random(n) < shared, of_image, draw)
    first = people.side > 0
    gain, loss = np.where(first, *rates.gain), np.where(first, *rates.loss)
    return (draw > 1 - gain).astype(np.int64) - (draw < loss)
