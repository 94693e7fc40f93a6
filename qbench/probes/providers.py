"""The two places that answers come from, as base classes for the providers of any probe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qbench.models.numerics import numerics
from qbench.probes.interface import Asking

MODEL = "model"
"""The provider that a quantizer means if it names none: the variant runs on this machine."""

PRECOMPUTED = "precomputed"
"""The provider of answers that were computed on another machine, and are read from files."""


class ModelProvider:
    """Answers of a model that runs on this machine. A subclass gives `answers` and `timed_work`."""

    decodes = True
    batches = True
    timed = True

    def numerics(self, device: str) -> str:
        """The kernels of this machine."""
        return numerics(device)


class PrecomputedProvider:
    """Answers that are looked up in files. A subclass gives `answers`.

    No image is decoded and nothing is timed. Nothing is known of the batches, so answers cannot be computed again in
    another order: what the batches do to them is not known, which is not the same as nothing.
    """

    decodes = False
    batches = False
    timed = False

    def numerics(self, device: str) -> str:
        """The kernels are not known: the content of the files stands in the key in their place."""
        return PRECOMPUTED

    def timed_work(self, asking: Asking) -> Mapping[str, Callable[[Any], object]]:
        """Nothing runs here."""
        return {}
