"""The options of a declared dataset in a spec, which replace values of its ``dataset.toml``. Light."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DeclaredOptions:
    """Options of every declared dataset; the defaults leave the choice to the ``dataset.toml``.

    Attributes
    ----------
    min_group : int
        Number of items that both groups of a pair need in a class for a disparity; 0: as declared.
    ks : tuple of int
        Cut-offs of the skews; empty: as declared.
    target : {"", "uniform", "gallery"}
        The shares that the groups should have in the top k; empty: as declared.
    """

    min_group: int = 0
    ks: tuple[int, ...] = ()
    target: str = ""

    def __post_init__(self) -> None:
        """Check the values; a list of cut-offs becomes a tuple."""
        if isinstance(self.min_group, bool) or not isinstance(self.min_group, int) or self.min_group < 0:
            raise ValueError(f"min_group is {self.min_group!r}; it is a whole number from 1, or 0 for the declared one")
        ks = tuple(self.ks)
        if any(isinstance(k, bool) or not isinstance(k, int) or k < 1 for k in ks) or len(set(ks)) < len(ks):
            raise ValueError(f"ks is {list(ks)}; it is a list of different whole numbers from 1")
        if self.target not in ("", "uniform", "gallery"):
            raise ValueError(f"target is {self.target!r}; it is one of 'uniform', 'gallery'")
        object.__setattr__(self, "ks", ks)
