"""Flips: answers that were right and became wrong, and back; between which groups, and of which items.

References
----------
M. W. Fagerland, S. Lydersen and P. Laake, The McNemar test for binary matched-pairs data, BMC Medical Research
Methodology 13 (2013) 91 (mid-p); E. B. Wilson, JASA 22 (1927) 209-212; S. Hooker et al., What do compressed deep neural
networks forget? arXiv 1911.05248 (compression-identified exemplars); J. N. K. Rao and A. J. Scott, Biometrics 48 (1992)
577-585 (counts divided by a design effect).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from qbench.stats.student import normal_p
from qbench.stats.tango import tango_p

Floats = npt.NDArray[np.float64]
SPARSE = 5.0
"""Below so many expected flips in a group the chi-squared approximation is not used (Cochran, Biometrics 10 (1954))."""


def mcnemar(gain: npt.ArrayLike, loss: npt.ArrayLike) -> tuple[Floats, Floats]:
    """McNemar's exact test with the mid-p, two-sided, of `qbench.stats.nulls.NO_CHANGE`.

    Parameters
    ----------
    gain, loss : array_like
        Broadcastable int: items that became right, items that became wrong.

    Returns
    -------
    p, log10_p : numpy.ndarray
        float64; 1 and 0 where nothing flipped or both ways alike. A `p` too small for a float is the smallest normal
        one; its logarithm is exact.

    Examples
    --------
    >>> p, _ = mcnemar([6, 5], [16, 5])
    >>> p.round(4).tolist()
    [0.0347, 1.0]
    """
    g, b = np.broadcast_arrays(np.asarray(gain, dtype=np.int64), np.asarray(loss, dtype=np.int64))
    less, n = np.minimum(g, b).astype(np.float64), (g + b).astype(np.float64)
    point = special.gammaln(n + 1) - special.gammaln(less + 1) - special.gammaln(n - less + 1) - n * math.log(2)
    # mid-p = 2 P(X < less) + P(X = less), X binomial with n and 1/2; term by term below `less` where that underflows
    ratio = np.ones_like(point)
    term, at = np.ones_like(point), less.copy()
    with np.errstate(under="ignore"):
        while True:
            term = np.where(at > 0, term * at / (n - at + 1), 0.0)
            ratio = ratio + 2 * term
            at = at - 1
            if not (term > 1e-17 * ratio).any():
                break
    log10_p = np.where(g == b, 0.0, np.minimum((point + np.log(ratio)) / math.log(10), 0.0))
    return np.maximum(np.power(10.0, log10_p), np.finfo(np.float64).tiny), log10_p


def share_test(
    gain: npt.ArrayLike, loss: npt.ArrayLike, n: npt.ArrayLike, deff: npt.ArrayLike = 1.0
) -> tuple[Floats, Floats]:
    """The two-sided test of `qbench.stats.nulls.NO_CHANGE`, also where items share images.

    Where items are independent it is McNemar's mid-p test. Where they share images it is the score test on the counts
    divided by their design effect, which are not whole numbers, so that the mid-p cannot take them.

    Parameters
    ----------
    gain, loss, n : array_like
        Broadcastable int: items that became right, items that became wrong, all items (at least 1).
    deff : array_like
        Design effect, at least 1: how much more the change varies because items share images
        (`qbench.statistics.hits.count_cells`).

    Returns
    -------
    p, log10_p : numpy.ndarray
        float64.

    Examples
    --------
    >>> p, _ = share_test([6, 6], [1, 1], 100, [1.0, 2.0])
    >>> p.round(3).tolist()
    [0.07, 0.181]
    """
    p, log10_p = mcnemar(gain, loss)
    effect = np.asarray(deff, dtype=np.float64)
    z, _ = tango_p(*(np.asarray(x, dtype=np.float64) / effect for x in (gain, loss, n)))
    score, log10_score = normal_p(z)
    return np.where(effect > 1, score, p), np.where(effect > 1, log10_score, log10_p)


def flip_rate_interval(flips: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's interval of the share of items that flip.

    Parameters
    ----------
    flips, n : array_like
        Broadcastable float: items that flipped, and all; both divided by the design effect where items share images.
        Where none flipped the upper limit is about 3.84 / n.

    Returns
    -------
    low, high : numpy.ndarray
        float64; NaN where `n` is 0.

    Examples
    --------
    >>> low, high = flip_rate_interval([0, 5], [100, 100])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.022], [0.037, 0.112])
    """
    k, m = np.broadcast_arrays(np.asarray(flips, dtype=np.float64), np.asarray(n, dtype=np.float64))
    items = np.where(m > 0, m, np.nan)
    share, z = k / items, -special.ndtri((1 - confidence) / 2)
    wider = 1 + z**2 / items
    centre = (share + z**2 / (2 * items)) / wider
    half = z * np.sqrt(share * (1 - share) / items + z**2 / (4 * items**2)) / wider
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def flip_rates_differ(
    flips: npt.ArrayLike, n: npt.ArrayLike, deff: npt.ArrayLike = 1.0, *, draws: int = 9_999, seed: int = 0
) -> float:
    """P-value of `qbench.stats.nulls.SAME_RATES`: whether groups flip at different rates.

    The chi-squared test of a table of groups by flipped or not; where a group expects fewer than `SPARSE` flips, its
    statistic is compared with those of `draws` tables of the same margins in place of the chi-squared distribution.
    Where items share images, each group's counts are divided by its design effect first (Rao and Scott 1992), and the
    random tables have these margins, rounded. Groups that meet in the same images are then told apart with less power:
    what they have in common is not taken off.

    Parameters
    ----------
    flips, n : array_like
        ``(groups,)`` int: items that flipped, and all.
    deff : array_like
        ``(groups,)`` float, at least 1: the design effect of each group's flip rate.
    draws, seed : int
        Of random tables.

    Returns
    -------
    float
        NaN where fewer than two groups have items; 1 where no item flipped, or all.

    Examples
    --------
    >>> round(flip_rates_differ([30, 60], [1000, 1000]), 4), round(flip_rates_differ([30, 60], [1000, 1000], 2.0), 3)
    (0.0012, 0.022)
    """
    k, m, d = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (flips, n, deff)))
    k, m = (x[m > 0] / d[m > 0] for x in (k, m))
    if len(m) < 2:
        return math.nan
    rate = float(k.sum() / m.sum())
    if k.sum() == 0 or (k == m).all():
        return 1.0
    seen = float(_chi_squared(k, m))
    if float((m * min(rate, 1 - rate)).min()) >= SPARSE:
        return float(special.chdtrc(len(m) - 1, seen))
    items = np.maximum(np.round(m), 1).astype(np.int64)
    total = int(np.clip(round(float(k.sum())), 1, items.sum() - 1))
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(items, total, size=draws)
    at_least = _chi_squared(drawn.astype(np.float64), items.astype(np.float64)) >= seen * (1 - 1e-9)
    return (int(np.sum(at_least)) + 1) / (draws + 1)


def _chi_squared(flips: Floats, n: Floats) -> Floats:
    """Pearson's statistic of tables ``(…, groups)`` of flips among `n` ``(groups,)`` items, for one common rate."""
    rate = flips.sum(-1, keepdims=True) / n.sum()
    return np.asarray(((flips - n * rate) ** 2 / (n * rate * (1 - rate))).sum(-1))


@dataclass(frozen=True)
class Exemplars:
    """Majority answers of several models before and after.

    Attributes
    ----------
    before, after : numpy.ndarray
        ``(n,)`` int64: the most frequent answer to each item; -1 where several are.
    agree_before, agree_after : numpy.ndarray
        ``(n,)`` float64: the share of models that give it.
    changed : numpy.ndarray
        ``(n,)`` bool: there is a majority before and after, and it is not the same answer.
    """

    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]
    agree_before: Floats
    agree_after: Floats
    changed: npt.NDArray[np.bool_]


def exemplars(before: npt.ArrayLike, after: npt.ArrayLike) -> Exemplars:
    """Items whose majority answer over models changes.

    Parameters
    ----------
    before, after : array_like
        ``(models, n)`` int, 0 or more: the answer of each model to each item. The two may have different models.

    Returns
    -------
    Exemplars
        One entry per item.

    Raises
    ------
    ValueError
        There is no model, or the items are not the same number.

    Examples
    --------
    >>> exemplars([[0, 1], [0, 1]], [[0, 2], [0, 2]]).changed.tolist()
    [False, True]
    """
    old, new = np.asarray(before, dtype=np.int64), np.asarray(after, dtype=np.int64)
    if old.ndim != 2 or new.ndim != 2 or not len(old) or not len(new) or old.shape[1] != new.shape[1]:
        raise ValueError(
            f"answers of shape {old.shape} and {new.shape}: both need one row per model and one column per item"
        )
    (answer_old, share_old), (answer_new, share_new) = _majority(old), _majority(new)
    changed = (answer_old >= 0) & (answer_new >= 0) & (answer_old != answer_new)
    return Exemplars(answer_old, answer_new, share_old, share_new, changed)


def _majority(answers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Floats]:
    votes = np.stack([(answers == mine).sum(0) for mine in answers])
    most = votes.max(0)
    answer = np.take_along_axis(answers, votes.argmax(0)[None], axis=0)[0]
    rival = ((votes == most) & (answers != answer)).any(0)
    return np.where(rival, -1, answer), most / len(answers)
