"""The options of the CLIP sources. Light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass

from qbench_transformers.options import WeightsOptions


@dataclass(frozen=True, kw_only=True)
class ClipOptions(WeightsOptions):
    """Where the weights come from.

    Attributes
    ----------
    path : str
        A folder on this machine in transformers' or open_clip's format, or one weights file if the name of the
        checkpoint says what tensors do not (activation, mean and standard deviation). Nothing is downloaded then.
    revision : str
        The revision on the hub: a commit, a tag or a branch.
    """
