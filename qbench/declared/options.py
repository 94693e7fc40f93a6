"""The options of a declared dataset in a spec, which replace values of its ``dataset.toml``. Light."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DeclaredOptions:
    """Options of every declared dataset; `None` (also 0 or empty in a spec) leaves the choice to the ``dataset.toml``.

    Attributes
    ----------
    min_group : int or None
        Number of items that both groups of a pair need in a class for a disparity.
    ks : tuple of int or None
        Cut-offs of the skews.
    target : {"uniform", "gallery"} or None
        The shares that the groups should have in the top k.
    """

    min_group: int | None = None
    ks: tuple[int, ...] | None = None
    target: str | None = None

    def __post_init__(self) -> None:
        """Check the values; a list of cut-offs becomes a tuple."""
        least = self.min_group or 0
        if isinstance(least, bool) or not isinstance(least, int) or least < 0:
            raise ValueError(f"min_group is {self.min_group!r}; it is a whole number from 1, or 0 for the declared one")
        ks = tuple(self.ks or ())
        if any(isinstance(k, bool) or not isinstance(k, int) or k < 1 for k in ks) or len(set(ks)) < len(ks):
            raise ValueError(f"ks is {list(ks)}; it is a list of different whole numbers from 1")
        if self.target not in (None, "", "uniform", "gallery"):
            raise ValueError(f"target is {self.target!r}; it is one of 'uniform', 'gallery'")
        for name, given in (("min_group", least), ("ks", ks), ("target", self.target)):
            object.__setattr__(self, name, given or None)
