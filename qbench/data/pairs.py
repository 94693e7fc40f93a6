"""Two groups that are compared, as a type, so that no code has to take the text ``first-second`` apart."""

from __future__ import annotations

from typing import NamedTuple


class GroupPair(NamedTuple):
    """Two groups of an attribute that a disparity compares: first minus second.

    Examples
    --------
    >>> GroupPair("older", "younger").label
    'older-younger'
    """

    first: str
    second: str

    @property
    def label(self) -> str:
        """The text of a table's ``group`` column. It is looked up among the declared pairs, never taken apart."""
        return f"{self.first}-{self.second}"
