"""Which classes have the largest disparities, without picking those where noise was largest before.

Classes that are picked by their baseline alone had luck against them and have less of it after: under no change at all,
their disparities seem to shrink. Picked by |before| + |after|, both have the same part in the choice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def worst_first(before: npt.ArrayLike, after: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Positions of the classes in falling order of ``|before| + |after|``; undetermined classes are left out.

    Parameters
    ----------
    before, after : array_like
        ``(classes,)`` float: the disparity of each class.
    """
    size = np.abs(np.asarray(before, dtype=np.float64)) + np.abs(np.asarray(after, dtype=np.float64))
    order = np.argsort(-size, kind="stable")
    return np.asarray(order[np.isfinite(size[order])])


def change_of_worst(before: npt.ArrayLike, after: npt.ArrayLike, count: int = 10) -> float:
    """Mean of ``|after| - |before|`` over the first `count` classes of `worst_first`; NaN where there is none."""
    old, new = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    first = worst_first(old, new)[:count]
    return float(np.mean(np.abs(new[first]) - np.abs(old[first]))) if len(first) else float("nan")
