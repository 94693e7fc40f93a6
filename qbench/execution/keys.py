"""What decides a result, listed: the keys of embeddings, variants and cells.

The parts are plain values and are stored beside what they name, so that two results can be compared and the difference
be named.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from qbench.execution.plan import PlannedQuantizer
from qbench.execution.prepare import PreparedBenchmark, PreparedModel
from qbench.images.pixel_store import store_parts
from qbench.models.numerics import numerics, versions
from qbench.plugins.options import options_dict
from qbench.store.cache import Cache
from qbench.store.digests import digests_below
from qbench.store.keys import key_of

Parts = dict[str, Any]


ELSEWHERE = "made elsewhere"
"""In place of what this machine decides, where the embeddings were not made on it."""


def variant_parts(model: PreparedModel, quantizer: PlannedQuantizer, cache: Cache) -> Parts:
    """What decides a variant: weights, method and its options, versions, the kernels that run.

    Of embeddings that were made elsewhere: the content of their files in place of the kernels and the path.
    """
    source, method = model.planned.entry, quantizer.entry
    options, files = options_dict(quantizer.options), {}
    if method.record.embeddings is not None:
        files = _digests(method.record.embeddings(model.checkpoint, quantizer.options), cache)
        options.pop("path", None)
    return {
        "core": version("qbench-vlm"),
        "weights": model.checkpoint.identity.fingerprint,
        "architecture": model.checkpoint.identity.architecture,
        "source": [source.qualified, source.plugin.distribution, source.plugin.version],
        "quantizer": [method.qualified, method.plugin.distribution, method.plugin.version],
        "options": options,
        "versions": versions((*source.record.requires, *method.record.requires)),
        "numerics": numerics(quantizer.device) if method.record.embeddings is None else ELSEWHERE,
        **({"files": files} if files else {}),
    }


def _digests(folder: Path | None, cache: Cache) -> dict[str, str]:
    """Name → digest of every file below `folder`; empty where there is none, which building says in words."""
    if folder is None:
        return {}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = digests_below(cache, folder, files)
    return {path.relative_to(folder).as_posix(): digest for path, digest in zip(files, found, strict=True)}


def batch_parts(quantizer: PlannedQuantizer, *, batch_size: int, order: str) -> Parts | None:
    """The batches and their order; `None` where they were made elsewhere."""
    return {"size": batch_size, "order": order} if quantizer.entry.record.embeddings is None else None


def image_parts(variant: Parts, model: PreparedModel, benchmark: PreparedBenchmark, batch: Parts | None) -> Parts:
    """What decides image embeddings: the variant, the pixels, mean and deviation, the batches and their order."""
    preprocessing = model.checkpoint.preprocessing
    return {
        "variant": variant,
        "pixels": store_parts(benchmark.images_key, preprocessing.geometry),
        "preprocessing": asdict(preprocessing),
        "batch": batch,
    }


def text_parts(variant: Parts, benchmark: PreparedBenchmark, batch: Parts | None) -> Parts:
    """What decides text embeddings: the variant, the texts, the batches and their order."""
    return {
        "variant": variant,
        "texts": benchmark.texts_key,
        "batch": batch,
    }


def cell_parts(images: Parts, texts: Parts, benchmark: PreparedBenchmark, noise: int) -> Parts:
    """What decides a cell: both embeddings, items, benchmark with options and protocol, the other orders."""
    entry = benchmark.planned.entry
    return {
        "images": key_of(images),
        "texts": key_of(texts),
        "items": benchmark.items_key,
        "benchmark": [entry.qualified, entry.plugin.distribution, entry.plugin.version],
        "protocol": entry.record.protocol,
        "options": options_dict(benchmark.planned.options),
        "noise": noise,
    }
