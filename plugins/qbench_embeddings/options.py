"""Where precomputed embeddings are, as options: light, so that a spec is checked before a file is read."""

from __future__ import annotations

from dataclasses import dataclass, field

from qbench.api import FILES


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """A model of which there are precomputed embeddings only.

    Attributes
    ----------
    path : str
        A folder with one folder per variant in it.
    """

    path: str = field(default="", metadata=FILES)


@dataclass(frozen=True, kw_only=True)
class VariantOptions:
    """One variant of embeddings.

    Attributes
    ----------
    path : str
        The folder; `{source}` and `{checkpoint}` in it stand for the model's, so that one spec serves several models.
        Empty for the models of the source ``embeddings``, which have a folder of their own.
    variant : str
        The variant's folder in it; empty where `path` is the variant's own.
    """

    path: str = field(default="", metadata=FILES)
    variant: str = ""
