"""Where a dual encoder's weights are, as options: light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass, field

from qbench.api import FILES


@dataclass(frozen=True, kw_only=True)
class WeightsOptions:
    """Where the weights come from.

    Attributes
    ----------
    path : str
        A local folder with the checkpoint in transformers' format; nothing is downloaded then.
    revision : str
        The hub revision: a commit, a tag or a branch.
    """

    path: str = field(default="", metadata=FILES)
    revision: str = "main"
