"""Whether answers mean anything: better than guessing, not lost, and rankings that depend on query and image. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from qbench.stats.relative_loss import relative_loss

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ALPHA = 0.01
"""The level of each test, one-sided. A choice of ours: stricter than 5 %, because a run tests many cells, and a model
at chance level must rarely be taken for one that is not."""


@dataclass(frozen=True)
class ChanceTest:
    """A one-sided exact binomial test of right answers against guessing.

    Attributes
    ----------
    correct, total : int
        Right answers, and all.
    chance : float
        The share of right answers that guessing gives, 0 to 1.
    p : float
        Probability of at least so many right answers by guessing.
    near : bool
        Whether guessing is not rejected at `ALPHA`.
    """

    correct: int
    total: int
    chance: float
    p: float
    near: bool

    def words(self) -> str:
        """The numbers, in a phrase."""
        if not self.total:
            return "there is no item to judge it by"
        share = f"{self.correct:,} of {self.total:,} right ({self.correct / self.total:.1%})".replace("%", " %")
        return f"{share}, where guessing gives {100 * self.chance:.3g} % (one-sided binomial test, p = {self.p:.2g})"


def against_chance(correct: int, total: int, chance: float, alpha: float = ALPHA) -> ChanceTest:
    """Test whether a share of right answers is above what guessing gives.

    Parameters
    ----------
    correct, total : int
        Right answers, and all; ``0 <= correct <= total``. No item at all cannot be told from guessing.
    chance : float
        What guessing gives, 0 to 1.
    alpha : float
        Guessing is rejected where ``p < alpha``.

    Raises
    ------
    ValueError
        A count or `chance` is out of its range.
    """
    if not 0 <= chance <= 1:
        raise ValueError(f"chance is {chance}, not between 0 and 1")
    if not 0 <= correct <= total:
        raise ValueError(f"{correct} right of {total}")
    if not total:
        return ChanceTest(correct, total, chance, 1.0, True)
    p = float(special.betainc(correct, total - correct + 1, chance)) if correct else 1.0  # of at least so many right
    return ChanceTest(correct, total, chance, p, not p < alpha)


@dataclass(frozen=True)
class AccuracyLoss:
    """The share of the baseline's right answers that is gone, with its interval at ``1 - 2 * ALPHA``.

    Attributes
    ----------
    before, after : float
        Shares of right answers, 0 to 1.
    loss, low, high : float
        As `qbench.stats.relative_loss.relative_loss` gives them.
    """

    before: float
    after: float
    loss: float
    low: float
    high: float

    def words(self) -> str:
        """The numbers, in a phrase."""
        low, high = (100 * x for x in (max(self.low, -9.99), self.high))
        return (
            f"{100 * self.loss:.0f} % of the baseline's accuracy ({100 * (1 - 2 * ALPHA):.0f} % interval: {low:.0f} to "
            f"{high:.0f} %; accuracy {100 * self.before:.1f} % → {100 * self.after:.1f} %)"
        )


def accuracy_loss(before: Booleans, after: Booleans, unit: Integers, boundary: float) -> AccuracyLoss:
    """How much of its accuracy a variant lost, from the answers to the same items.

    Parameters
    ----------
    before, after : numpy.ndarray
        ``(n,)`` bool: whether the baseline and the variant are right.
    unit : numpy.ndarray
        ``(n,)`` int: the image of each item; those of one image are not independent, so that counts are divided by
        their design effect (Rao & Scott 1992).
    boundary : float
        The loss to be judged, 0 to 1: the design effect is that of the test of this loss.
    """
    tested = after - (1 - boundary) * before
    deff = _design_effect(tested, unit)
    both, lost, gained = (float(np.sum(x)) / deff for x in (before & after, before & ~after, ~before & after))
    found = relative_loss(both, lost, gained, len(before) / deff, 1 - 2 * ALPHA)
    return AccuracyLoss(float(np.mean(before)), float(np.mean(after)), *found)


def _design_effect(values: Floats, unit: Integers) -> float:
    """How much more the sum of `values` varies because units have several, at least 1."""
    centred = values - values.mean()
    alone = float((centred**2).sum())
    together = float((np.bincount(unit, weights=centred) ** 2).sum())
    return max(1.0, together / alone) if alone > 0 else 1.0


SAME = 0.999
"""Rank correlation from which two rankings are one. A choice of ours: rounding alone leaves it above, and in our trials
the most similar of FairFace's queries gave 0.98."""

RELATED = 0.5
"""Rank correlation with the baseline's rankings below which a variant's are called lost. A choice of ours: less than a
quarter of the order is then the baseline's. Methods that people deploy stayed above 0.98 in our trials."""


def same_for_every_query(rankings: Integers) -> float:
    """The share of the queries whose ranking is the mean one of all, up to rounding (`SAME`).

    Parameters
    ----------
    rankings : numpy.ndarray
        ``(queries, n)`` int: positions of the items in the gallery, best first.

    Examples
    --------
    >>> same_for_every_query(np.array([[0, 2, 1, 3], [0, 2, 1, 3], [0, 2, 1, 3]]))
    1.0
    """
    if len(rankings) < 2:
        return 0.0
    ranks = _ranks(rankings)
    mean = ranks.mean(axis=0)
    if np.ptp(mean) == 0:
        return 0.0
    return float(np.mean([_correlation(one, mean) >= SAME for one in ranks]))


def in_gallery_order(rankings: Integers) -> float:
    """The share of neighbours in the rankings that stand in the order of the gallery.

    It is about a half where rankings depend on the images. Images with equal similarities keep the gallery's order, so
    that it is 1 where all images are the same to the model.

    Parameters
    ----------
    rankings : numpy.ndarray
        ``(queries, n)`` int, as for `same_for_every_query`.

    Examples
    --------
    >>> in_gallery_order(np.array([[0, 1, 2], [2, 0, 1]]))
    0.75
    """
    return float((np.diff(rankings, axis=1) > 0).mean()) if rankings.shape[1] > 1 else 0.0


@dataclass(frozen=True)
class RankAgreement:
    """Spearman's correlation of two rankings of a gallery, as the mean over the queries.

    Attributes
    ----------
    mean : float
        The correlation, −1 to 1.
    high : float
        The upper end of its interval at ``1 - 2 * ALPHA`` (Bonett & Wright 2000), which takes all queries as one: they
        rank the same images.
    """

    mean: float
    high: float


def rank_agreement(before: Integers, after: Integers) -> RankAgreement:
    """How far a variant ranks a gallery as the baseline does.

    Parameters
    ----------
    before, after : numpy.ndarray
        ``(queries, n)`` int, as for `same_for_every_query`, with the same queries and the same gallery.
    """
    pairs = zip(_ranks(before), _ranks(after), strict=True)
    mean = float(np.mean([_correlation(a, b) for a, b in pairs]))
    n = before.shape[1]
    if n < 4 or abs(mean) >= 1:
        return RankAgreement(mean, 1.0 if n < 4 else mean)
    z = float(special.ndtri(1 - ALPHA))
    return RankAgreement(mean, float(np.tanh(np.arctanh(mean) + z * np.sqrt((1 + mean**2 / 2) / (n - 3)))))


def _ranks(rankings: Integers) -> Floats:
    """``(queries, n)``: the place of each item of the gallery."""
    places = np.empty(rankings.shape)
    np.put_along_axis(places, rankings, np.arange(rankings.shape[1], dtype=np.float64)[None], axis=1)
    return places


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1])
