"""Which rows of an outcome count, and which of them are hits: the options of statistics of shares. Light."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class HitOptions:
    """Which rows of an outcome's items count, and when such a row is a hit.

    Attributes
    ----------
    hit : {"correct", "wrong", "rank"}
        A row is a hit where its `column` is true, where it is false (for error rates), or where its ``rank`` (0 for
        first place) is below the cut-off in the metric's name (``recall@5``) or, where the name has none, `below`.
    below : int
        The cut-off of ``rank`` where the metric's name has none.
    column : str
        The column of true or false that ``correct`` and ``wrong`` read.
    where : dict of str to str
        Columns and the value that they have in the rows that count; empty where all rows count.
    """

    hit: Literal["correct", "wrong", "rank"] = "correct"
    below: int = 0
    column: str = "correct"
    where: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the cut-off.

        Raises
        ------
        ValueError
            `below` is negative.
        """
        if self.below < 0:
            raise ValueError(f"below is {self.below}, which is negative")
