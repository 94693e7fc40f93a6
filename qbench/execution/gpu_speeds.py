"""Speeds that were measured on a GPU of a kind, perhaps on another machine that uses the same cache folder."""

from __future__ import annotations

from collections.abc import Mapping

from qbench.errors import InputError
from qbench.execution.variant import VariantRun, known_speeds
from qbench.probes.interface import Parts
from qbench.store.cache import Cache
from qbench.store.keys import key_of
from qbench.store.memos import SPEEDS, stored_memo

CUDA = "cuda, "
"""How the words for the kernels of a GPU begin; its name comes next."""
LIKE = ("architecture", "source", "quantizer", "options")
"""What a speed depends on: other weights of the same architecture are as fast, and versions matter little."""


class GpuSpeeds:
    """The speeds in a cache folder that were measured on a GPU whose name contains `gpu`, in whatever case.

    Methods that run on no GPU have the speeds of this machine.

    Parameters
    ----------
    cache : Cache
        Where speeds are remembered.
    gpu : str
        A part of the name of a GPU, such as ``H100``.

    Raises
    ------
    InputError
        No speed was measured on such a GPU.
    """

    def __init__(self, cache: Cache, gpu: str) -> None:
        self._cache = cache
        self._found: dict[str, dict[str, float]] = {}
        names: set[str] = set()
        for path in sorted(cache.root.glob(f"{SPEEDS}/*/*.memo")):
            stored = stored_memo(path)
            numerics = str(stored["parts"].get("numerics", "")) if stored else ""
            if stored is None or not numerics.startswith(CUDA):
                continue
            name = numerics.removeprefix(CUDA).split(", ")[0]
            names.add(name)
            if gpu.lower() in name.lower():
                self._found.setdefault(_like(stored["parts"]), {}).update(stored["value"])
        if not self._found:
            measured = f"Measured: {', '.join(sorted(names))}." if names else "None was measured on any GPU."
            raise InputError(
                f"the cache folder has no speeds that were measured on a GPU {gpu!r}. {measured}",
                where=str(cache.root),
                fix="Run a part of the spec on such a machine first (`qbench run SPEC --limit 2000 --device cuda`), "
                "with this cache folder (QBENCH_CACHE).",
            )

    def __call__(self, variant: VariantRun, parts: Parts) -> Mapping[str, float]:
        """The speeds of a variant; none where they were not measured."""
        if "cuda" not in variant.quantizer.entry.record.devices:
            return known_speeds(self._cache, parts)
        return self._found.get(_like(parts), {})


def _like(parts: Mapping[str, object]) -> str:
    return key_of({name: parts.get(name) for name in LIKE})
