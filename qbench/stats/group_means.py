"""The mean of a number by group, with items that share images: an interval for each group, and whether groups differ.

The unit is the image: the deviations of its items are summed before they are squared (CR1). Whether the groups have one
mean is tested by Welch's and James's statistic for unequal variances, with the covariance that groups have because
they meet in the same images, and Welch's degrees of freedom, counted in images.

References
----------
B. L. Welch, Biometrika 38 (1951) 330-336 (means of groups of unequal variance); G. S. James, Biometrika 38 (1951)
324-329; J. G. MacKinnon and H. White, Journal of Econometrics 29 (1985) 305-325 (n / (n - 1), as in CR1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from qbench.stats.student import quantile

Floats = npt.NDArray[np.float64]
LEAST = 30
"""Images of a group below which it has no interval: means of so few are as skewed as the distances themselves."""


@dataclass(frozen=True, kw_only=True)
class GroupMeans:
    """Means of groups.

    Attributes
    ----------
    mean, se, low, high : numpy.ndarray
        ``(groups,)`` float64: the mean, its standard error, and its t-interval; NaN where a group has fewer than
        `LEAST` images or does not vary.
    p : float
        Whether the groups that have an interval have one mean; NaN where fewer than two have.
    """

    mean: Floats
    se: Floats
    low: Floats
    high: Floats
    p: float


def group_means(
    values: npt.ArrayLike, group: npt.ArrayLike, image: npt.ArrayLike, groups: int, confidence: float = 0.95
) -> GroupMeans:
    """Estimate the mean of each group and test whether they are one.

    Parameters
    ----------
    values : array_like
        ``(n,)`` float; those that are not finite are left out.
    group : array_like
        ``(n,)`` int: 0 to `groups` - 1, or -1 for an item of no group.
    image : array_like
        ``(n,)`` int, 0 or more: the image of each item.
    groups : int
        How many groups there are.
    confidence : float
        Of the intervals.

    Examples
    --------
    >>> found = group_means(np.arange(80) % 10, np.arange(80) // 40, np.arange(80), 2)
    >>> found.mean.tolist(), round(float(found.se[0]), 2), found.p
    ([4.5, 4.5], 0.46, 1.0)
    """
    x, g, at = np.asarray(values, np.float64), np.asarray(group, np.int64), np.asarray(image, np.int64)
    keep = (g >= 0) & np.isfinite(x)
    x, g, at = x[keep], g[keep], at[keep]
    n = np.bincount(g, minlength=groups)
    mean = np.full(groups, np.nan)
    mean[n > 0] = np.bincount(g, x, groups)[n > 0] / n[n > 0]
    _, at = np.unique(at, return_inverse=True)
    influence = np.zeros((groups, int(at.max(initial=-1)) + 1))
    np.add.at(influence, (g, at), (x - mean[g]) / n[g])
    images = np.array([len(np.unique(at[g == i])) for i in range(groups)])
    influence *= np.sqrt(images / np.maximum(images - 1, 1))[:, None]
    covariance = influence @ influence.T
    se = np.sqrt(np.diag(covariance))
    known = (images >= LEAST) & (se > 0)
    se = np.where(known, se, np.nan)
    half = quantile(0.5 + confidence / 2, np.maximum(images - 1, 1)) * se
    p = _p_of_one_mean(mean[known], covariance[np.ix_(known, known)], images[known])
    return GroupMeans(mean=mean, se=se, low=mean - half, high=mean + half, p=p)


def _p_of_one_mean(mean: Floats, covariance: Floats, images: npt.NDArray[np.int64]) -> float:
    """Welch's test; its statistic is that of all contrasts in units of their own covariance."""
    count = len(mean)
    if count < 2:
        return math.nan
    contrasts = np.eye(count)[1:] - np.eye(count)[0]
    apart = contrasts @ mean
    statistic = float(apart @ np.linalg.pinv(contrasts @ covariance @ contrasts.T, hermitian=True) @ apart)
    weight = 1 / np.diag(covariance)
    few = float(np.sum((1 - weight / weight.sum()) ** 2 / (images - 1)))
    f = statistic / (count - 1) / (1 + 2 * (count - 2) / (count**2 - 1) * few)
    return float(special.fdtrc(count - 1, (count**2 - 1) / (3 * few), f))
