"""What decides a result, listed: the keys of embeddings, variants and cells.

The parts are plain values and are stored beside what they name, so that two results can be compared and the difference
be named.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from qbench.data.store import store_parts
from qbench.encode.numerics import numerics, versions
from qbench.extension.options import options_dict
from qbench.runner.plan import PlannedQuantizer
from qbench.runner.prepare import PreparedBenchmark, PreparedModel
from qbench.store.keys import key_of

Parts = dict[str, Any]


def variant_parts(model: PreparedModel, quantizer: PlannedQuantizer) -> Parts:
    """What decides a variant: weights, method and its options, versions, the kernels that run."""
    source, method = model.planned.entry, quantizer.entry
    return {
        "core": version("qbench-vlm"),
        "weights": model.checkpoint.identity.fingerprint,
        "architecture": model.checkpoint.identity.architecture,
        "source": [source.qualified, source.plugin.distribution, source.plugin.version],
        "quantizer": [method.qualified, method.plugin.distribution, method.plugin.version],
        "options": options_dict(quantizer.options),
        "versions": versions((*source.record.requires, *method.record.requires)),
        "numerics": numerics(quantizer.device),
    }


def image_parts(
    variant: Parts, model: PreparedModel, benchmark: PreparedBenchmark, *, batch_size: int, order: str
) -> Parts:
    """What decides image embeddings: the variant, the pixels, mean and deviation, the batches and their order."""
    preprocessing = model.checkpoint.preprocessing
    return {
        "variant": variant,
        "pixels": store_parts(benchmark.pictures_key, preprocessing.geometry),
        "preprocessing": asdict(preprocessing),
        "batch": {"size": batch_size, "order": order},
    }


def text_parts(variant: Parts, benchmark: PreparedBenchmark, *, batch_size: int, order: str) -> Parts:
    """What decides text embeddings: the variant, the texts, the batches and their order."""
    return {
        "variant": variant,
        "texts": benchmark.texts_key,
        "batch": {"size": batch_size, "order": order},
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
