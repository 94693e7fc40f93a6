"""The options that say where the weights of a dual encoder are. Light: a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass, field

from qbench.api import FILES

MAIN = "main"
"""The branch of a repository on the hub that is used where no revision is named."""


@dataclass(frozen=True, kw_only=True)
class WeightsOptions:
    """Where the weights come from.

    Attributes
    ----------
    path : str
        A folder on this machine with the checkpoint in transformers' format. Nothing is downloaded then.
    revision : str
        The revision on the hub: a commit, a tag or a branch; only without `path`.
    """

    path: str = field(default="", metadata=FILES)
    revision: str = MAIN

    def __post_init__(self) -> None:
        """Refuse a revision beside a path, because it would be ignored."""
        if self.path and self.revision != MAIN:
            raise ValueError(f"revision is {self.revision!r} and has no meaning where path names files: leave out one")
