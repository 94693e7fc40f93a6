"""What a regime of the calibration is: a claim, and simulated worlds in which it is counted how often it holds.

A module of this package that has a list ``REGIMES`` takes part; ``benchmarks/calibration.py`` finds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Band:
    """What is claimed, as shares of the replicates; a bound of NaN is no claim.

    Attributes
    ----------
    coverage : tuple of float
        Lowest and highest share of intervals that hold the truth.
    alarm : tuple of float
        Lowest and highest share of tests at 5 % that reject where nothing is to be found.
    equivalent : float
        Highest share of "equivalent" where the truth is the margin.
    """

    coverage: tuple[float, float] = (math.nan, math.nan)
    alarm: tuple[float, float] = (math.nan, math.nan)
    equivalent: float = math.nan


@dataclass(frozen=True)
class Cell:
    """One simulated world: shares of its replicates; NaN where the world has no such truth.

    Attributes
    ----------
    label : str
        The world, in a phrase.
    replicates : int
        Simulated data sets.
    coverage, false_alarm, false_equivalent : float
        As in `Band`.
    band : Band or None
        The claim where it is not that of the regime.
    beside : dict of str to float
        Other methods' numbers on the same data, by column: shown, not judged.
    """

    label: str
    replicates: int
    coverage: float = math.nan
    false_alarm: float = math.nan
    false_equivalent: float = math.nan
    band: Band | None = None
    beside: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Regime:
    """A claim and the worlds it is tried in.

    Attributes
    ----------
    name : str
        For the command line: ``mean-signed``.
    title : str
        The heading of its table.
    about : str
        What is simulated and what is counted, in a few sentences of Markdown.
    band : Band
        The claim.
    replicates : int
        Of each world, if the command does not say.
    run : callable
        ``(rng, replicates) -> list of Cell``.
    missed : str
        Where the claim is known not to hold, and what users are told; empty if nowhere.
    """

    name: str
    title: str
    about: str
    band: Band
    replicates: int
    run: Callable[[np.random.Generator, int], list[Cell]]
    missed: str = ""


def standard_error(share: float, replicates: int) -> float:
    """Monte Carlo standard error of a share."""
    return math.sqrt(max(share * (1 - share), 0.0) / replicates)


def furthest(shares: list[float], bounds: tuple[float, float]) -> float:
    """Of the shares of several truths the one that is nearest to leaving the band, or furthest outside."""
    return max(shares, key=lambda share: np.nanmax([bounds[0] - share, share - bounds[1]]))


def misses(cell: Cell, band: Band) -> list[str]:
    """What of a cell is outside its band by more than three Monte Carlo standard errors; NaN misses nothing."""
    band = cell.band or band
    found = []
    for name, share, (low, high) in (
        ("coverage", cell.coverage, band.coverage),
        ("false alarm", cell.false_alarm, band.alarm),
        ("false equivalent", cell.false_equivalent, (math.nan, band.equivalent)),
    ):
        # the standard error at the bound: at a share of 0 or 1 the observed one would be 0
        if share < low - 3 * standard_error(low, cell.replicates):
            found.append(f"{name} below {low:.1%}")
        if share > high + 3 * standard_error(high, cell.replicates):
            found.append(f"{name} above {high:.1%}")
    return found
