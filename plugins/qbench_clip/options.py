"""The options of the CLIP sources: light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass

from qbench_transformers.options import WeightsOptions


@dataclass(frozen=True, kw_only=True)
class ClipOptions(WeightsOptions):
    """Where the weights come from.

    Attributes
    ----------
    path : str
        On this machine: a folder in transformers' or open_clip's format; or one weights file, where the checkpoint's
        name says what the tensors cannot (activation, mean and standard deviation). Nothing is downloaded then.
    revision : str
        The hub revision: a commit, a tag or a branch.
    """
