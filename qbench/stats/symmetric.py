"""Tests of paired differences without a normal distribution, many rows at a time: exact sign-flip, and Wilcoxon's.

Both ask whether the differences are symmetric about zero, by giving each a sign at random. With five that differ from
zero no such test can have a two-sided p below 0.06, so that they begin at `FEWEST`.

References
----------
R. A. Fisher, The Design of Experiments (1935), section 21; F. Wilcoxon, Biometrics Bulletin 1 (1945) 80-83; B. Phipson
and G. K. Smyth, Statistical Applications in Genetics and Molecular Biology 9 (2010) 39 (random draws never give p = 0).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FEWEST = 6
"""Differences that are not zero: the least two-sided p of n signs is 2 / 2**n, which is below 5 % from six on."""
EXACT = 14
"""Up to so many differences all arrangements of signs are looked at; beyond, `DRAWS` random ones."""
DRAWS = 4_999
TOO_FEW = f"fewer than {FEWEST} pairs differ: no such test can reject at 5 %"
TIE = 1e-9
CHUNK = 4_000_000  # entries of a table of arrangements times rows at a time


def sign_flip(differences: npt.ArrayLike, *, seed: int = 0) -> Floats:
    """Two-sided p of the mean, from all arrangements of signs, or from random ones and the one seen.

    Parameters
    ----------
    differences : array_like
        ``(m, n)`` finite float: one test per row.
    seed : int
        Where random signs begin; the rows share them.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float64; NaN where fewer than `FEWEST` differences are not zero.

    Examples
    --------
    >>> sign_flip([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]).tolist()
    [0.03125]
    """
    d = np.asarray(differences, dtype=np.float64)
    n = d.shape[1]
    p = np.full(len(d), np.nan)
    able = np.flatnonzero(np.count_nonzero(d, axis=1) >= FEWEST)
    if not len(able):
        return p
    d = d[able] / np.abs(d[able]).max(1, keepdims=True)
    signs = _all_signs(n) if n <= EXACT else np.random.default_rng(seed).choice(np.array([-1.0, 1.0]), (DRAWS, n))
    seen = np.abs(d.sum(1)) - TIE * np.abs(d).sum(1)
    at_least = np.empty(len(d), dtype=np.int64)
    step = max(CHUNK // len(signs), 1)
    for start in range(0, len(d), step):
        rows = slice(start, start + step)
        at_least[rows] = np.sum(np.abs(signs @ d[rows].T) >= seen[rows], axis=0)
    p[able] = at_least / len(signs) if n <= EXACT else (at_least + 1) / (DRAWS + 1)
    return p


def wilcoxon(differences: npt.ArrayLike) -> Floats:
    """Two-sided p of Wilcoxon's signed ranks, differences of zero left out.

    Exact up to `EXACT` differences, and up to 50 where no two are of one size; else by the normal approximation with
    its correction for ties.

    Parameters
    ----------
    differences : array_like
        ``(m, n)`` finite float: one test per row.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float64; NaN where fewer than `FEWEST` differences are not zero.

    Examples
    --------
    >>> wilcoxon([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]).tolist()
    [0.03125]
    """
    d = np.asarray(differences, dtype=np.float64)
    p = np.full(len(d), np.nan)
    used = np.count_nonzero(d, axis=1)
    ordered = np.sort(np.abs(d), axis=1)
    tied = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > 0)).any(1)
    for n in np.unique(used[used >= FEWEST]):
        from scipy import stats  # most reports have too few checkpoints, and the import takes as long as the rest

        for ties in (False, True):
            at = np.flatnonzero((used == n) & (tied == ties))
            if not len(at):
                continue
            rows = d[at][d[at] != 0].reshape(len(at), n)
            if ties and n <= EXACT:
                p[at] = sign_flip(stats.rankdata(np.abs(rows), axis=1) * np.sign(rows))
            else:
                method: Literal["exact", "asymptotic"] = "exact" if n <= 50 and not ties else "asymptotic"
                p[at] = stats.wilcoxon(rows, axis=1, method=method, keepdims=True).pvalue[:, 0]
    return p


def _all_signs(n: int) -> Floats:
    """One of each pair of opposite arrangements ``(2 ** (n - 1), n)``: the statistic's size is the same of both."""
    bits = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    return np.asarray(1 - 2 * bits, dtype=np.float64)
