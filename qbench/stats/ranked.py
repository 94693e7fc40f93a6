"""What is known of the change of one number of rankings: for each query, and for the mean over the queries.

The unit is the gallery's image: it is drawn once for all queries, both variants and all checkpoints. Queries are a
fixed, named set, so that the standard error of the mean over queries is one of these queries; it is made of influence
values, which hold what the queries have in common. Skew and NDKL fill this record (`qbench.stats.skew`,
`qbench.stats.ndkl`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

FEW = 20
"""Images that entered or left the top below which one more is assumed, see `qbench.stats.skew`.

The same number as for flips in `qbench.stats.linear`, for the same reason: a sum of squares of few terms is too small
too often. The regime ``rankings`` of the calibration marks groups below it, whose claim is one-sided.
"""


@dataclass(frozen=True)
class RankedChange:
    """The change of one number of rankings, after minus before, in nats. All intervals are normal ones (df infinite).

    Attributes
    ----------
    change, se : numpy.ndarray
        ``(queries,)`` float64; NaN where `reason` says why.
    few : numpy.ndarray
        ``(queries,)`` bool: so few images entered or left the top that one more was assumed, and the interval is
        wider than its nominal level.
    mean, mean_se : float
        The mean over the queries, and its standard error.
    mean_few : bool
        As `few`, of the mean.
    sum_se : numpy.ndarray
        ``(queries,)`` float64: standard errors of before + after, which is twice the level; empty for numbers without
        a sign. 0 where the sign is certain whatever the images are.
    mean_sum_se : float
        As `sum_se`, of the mean over the queries.
    influence : numpy.ndarray
        ``(images,)`` float64: what each image adds to the error of the mean. Its sum of squares is ``mean_se ** 2``
        but where `mean_few`; the sum of products with another number's is their covariance.
    reason : str
        Why the number is undetermined; empty where it is not.
    """

    change: Floats
    se: Floats
    few: Booleans
    mean: float = math.nan
    mean_se: float = math.nan
    mean_few: bool = False
    sum_se: Floats = field(default_factory=lambda: np.zeros(0))
    mean_sum_se: float = math.nan
    influence: Floats = field(default_factory=lambda: np.zeros(0))
    reason: str = ""


def undetermined(queries: int, images: int, reason: str) -> RankedChange:
    """A change of which nothing is known."""
    nothing = np.full(queries, np.nan)
    return RankedChange(nothing, nothing, np.zeros(queries, dtype=bool), influence=np.zeros(images), reason=reason)


def as_rankings(before: npt.ArrayLike, after: npt.ArrayLike, groups: npt.ArrayLike) -> tuple[Integers, Integers]:
    """Both sets of rankings as ``(queries, n)`` integers of one size.

    Raises
    ------
    ValueError
        They have another shape than each other, or another number of items than `groups`.
    """
    first, second = np.asarray(before), np.asarray(after)
    n = len(np.asarray(groups))
    if first.ndim != 2 or first.shape != second.shape or first.shape[1] != n:
        raise ValueError(f"rankings of shapes {first.shape} and {second.shape} of a gallery of {n} items")
    return first, second


def image_codes(image: npt.ArrayLike | None, n: int) -> tuple[Integers, int, bool]:
    """The image of each item, how many images there are, and whether each has one item.

    Parameters
    ----------
    image : array_like or None
        ``(n,)`` int, 0 or more; None where every item is an image of its own.
    n : int
        Number of items.
    """
    if image is None:
        return np.arange(n), n, True
    at = np.asarray(image, dtype=np.int64)
    if at.shape != (n,):
        raise ValueError(f"images of {at.shape} items of a gallery of {n}")
    count = np.bincount(at, minlength=1)
    return at, len(count), bool((count == 1).all())


def sum_by_image(values: Floats, image: Integers, images: int) -> Floats:
    """Sum ``(r, n)`` values of items → ``(r, images)``, times √(m / (m - 1)) for m images that have an item (the
    finite-sample factor of a variance that is estimated from m independent units)."""
    rows = len(values)
    index = (np.arange(rows)[:, None] * images + image).ravel()
    summed = np.bincount(index, np.ascontiguousarray(values).ravel(), rows * images).reshape(rows, images)
    m = int(np.count_nonzero(np.bincount(image, minlength=1)))
    return np.asarray(summed * math.sqrt(m / max(m - 1, 1)), dtype=np.float64)
