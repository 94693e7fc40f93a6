"""The options that say where the weights of a dual encoder are. Light: a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass, field

from qbench.api import FILES


@dataclass(frozen=True, kw_only=True)
class WeightsOptions:
    """Where the weights come from.

    Attributes
    ----------
    path : str
        A folder on this machine with the checkpoint in transformers' format. Nothing is downloaded then.
    revision : str
        The revision on the hub: a commit, a tag or a branch.
    """

    path: str = field(default="", metadata=FILES)
    revision: str = "main"
