"""Whether answers can be told from guessing. Pure functions on counts."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

ALPHA = 0.01
"""The level of the test. A choice of ours: stricter than 5 %, because a run tests many cells, and a model at chance
level must rarely be taken for one that is not."""


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
    p = float(stats.binomtest(correct, total, chance, alternative="greater").pvalue)
    return ChanceTest(correct, total, chance, p, not p < alpha)
