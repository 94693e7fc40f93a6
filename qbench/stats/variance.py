"""How much of the spread of effects goes with each of several factors: quantizer, size, source, attribute.

Shares of a sum of squares depend on the order in which factors enter where these are not balanced (size and source of
checkpoints never are). Here each factor's share is its gain in explained variance, averaged over all orders. It
describes the effects at hand: of nine checkpoints it says nothing about others, and no test belongs to it. Labels that
mean nothing have a share too; `chance_shares` says which one to expect.

References
----------
R. H. Lindeman, P. F. Merenda and R. Z. Gold, Introduction to Bivariate and Multivariate Analysis (1980), page 119
(LMG); U. Grömping, The American Statistician 61 (2007) 139-147.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt

MOST = 12
"""Factors at most: the work doubles with each."""


def variance_shares(y: npt.ArrayLike, factors: Mapping[str, npt.ArrayLike]) -> dict[str, float]:
    """Shares of the variance of effects that go with each factor (main effects only) and with none.

    Parameters
    ----------
    y : array_like
        ``(n,)`` float, the effects; those that are not finite are left out.
    factors : mapping of str to array_like
        ``(n,)`` labels of each factor.

    Returns
    -------
    dict of str to float
        A share of each factor and, last, of ``rest``: they add up to 1. All NaN where the effects do not vary.

    Raises
    ------
    ValueError
        A factor has another length than `y`, is called ``rest``, or there are more than `MOST`.

    Examples
    --------
    >>> variance_shares([1.0, 1.0, 3.0, 3.0], {"size": ["S", "S", "L", "L"]})
    {'size': 1.0, 'rest': 0.0}
    """
    effects, labels, known = _checked(y, factors)
    effects = effects[known]
    names = list(labels)
    size = float(np.abs(effects).max(initial=0.0)) or 1.0  # in units of the largest no square over- or underflows
    effects = effects / size
    if len(effects) < 2 or np.ptp(effects) <= 8 * np.finfo(np.float64).eps:
        return dict.fromkeys([*names, "rest"], math.nan)
    effects = effects - effects.mean()
    total = float(effects @ effects)
    bases = _bases([_dummies(labels[name][known]) for name in names])
    return _averaged(
        names, {chosen: float(np.sum((basis.T @ effects) ** 2)) / total for chosen, basis in bases.items()}
    )


def chance_shares(y: npt.ArrayLike, factors: Mapping[str, npt.ArrayLike]) -> dict[str, float]:
    """The shares of `variance_shares` to expect where the labels mean nothing: of effects in random order.

    Parameters
    ----------
    y, factors
        As for `variance_shares`; of the effects only which are finite counts.

    Examples
    --------
    >>> chance_shares([1.0, 1.0, 3.0, 3.0, 2.0], {"size": ["S", "S", "L", "L", "L"]})
    {'size': 0.25, 'rest': 0.75}
    """
    _, labels, known = _checked(y, factors)
    count = int(known.sum())
    if count < 2:
        return dict.fromkeys([*labels, "rest"], math.nan)
    bases = _bases([_dummies(x[known]) for x in labels.values()])
    return _averaged(list(labels), {chosen: basis.shape[1] / (count - 1) for chosen, basis in bases.items()})


def _checked(
    y: npt.ArrayLike, factors: Mapping[str, npt.ArrayLike]
) -> tuple[npt.NDArray[np.float64], dict[str, npt.NDArray[np.generic]], npt.NDArray[np.bool_]]:
    """The effects, the labels of each factor, and which effects are finite."""
    effects = np.asarray(y, dtype=np.float64)
    labels = {name: np.asarray(values) for name, values in factors.items()}
    if "rest" in labels or len(labels) > MOST or any(x.shape != effects.shape for x in labels.values()):
        raise ValueError(f"{effects.shape} effects and factors {[(n, x.shape) for n, x in labels.items()]}")
    return effects, labels, np.isfinite(effects)


def _averaged(names: list[str], explained: dict[tuple[int, ...], float]) -> dict[str, float]:
    """The share of each factor from those of all sets of factors, and the rest."""
    shares = {name: _average_gain(i, len(names), explained) for i, name in enumerate(names)}
    shares["rest"] = max(1.0 - explained[tuple(range(len(names)))], 0.0)
    return shares


def _dummies(labels: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """One centred column for each label but the first."""
    _, codes = np.unique(labels, return_inverse=True)
    columns = (codes[:, None] == np.arange(1, codes.max() + 1)).astype(np.float64)
    return np.asarray(columns - columns.mean(axis=0), dtype=np.float64)


def _bases(columns: list[npt.NDArray[np.float64]]) -> dict[tuple[int, ...], npt.NDArray[np.float64]]:
    """An orthonormal basis of what the columns of each set of factors span."""
    every = range(len(columns))
    return {
        chosen: _basis([columns[i] for i in chosen], len(columns[0]) if columns else 0)
        for m in range(len(columns) + 1)
        for chosen in combinations(every, m)
    }


def _basis(columns: list[npt.NDArray[np.float64]], rows: int) -> npt.NDArray[np.float64]:
    design = np.column_stack(columns) if columns else np.zeros((rows, 0))
    if not design.shape[1]:
        return design
    # Confounded factors leave the basis smaller than the number of columns.
    basis, values, _ = np.linalg.svd(design, full_matrices=False)
    return np.asarray(basis[:, values > 1e-10 * max(values[0], 1.0)], dtype=np.float64)


def _average_gain(factor: int, count: int, explained: dict[tuple[int, ...], float]) -> float:
    """What a factor adds, over all orders: the Shapley value of explained variance."""
    gain = 0.0
    others = [i for i in range(count) if i != factor]
    for m in range(count):
        weight = 1.0 / (count * math.comb(count - 1, m))
        for before in combinations(others, m):
            gain += weight * (explained[tuple(sorted((*before, factor)))] - explained[before])
    return gain
