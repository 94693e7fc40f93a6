"""Speed and memory of a variant: warmed up, repeated, with the spread. Opt-in, because it costs time of its own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from qbench.execution.memory import Peak
from qbench.execution.plan import PlannedQuantizer
from qbench.execution.prepare import PreparedBenchmark, PreparedModel
from qbench.images.pixel_store import pixel_store
from qbench.models.interface import Context
from qbench.runfolder.schema import Rate, SpeedRecord
from qbench.store.cache import Cache


def measure_speed(
    cache: Cache,
    model: PreparedModel,
    quantizer: PlannedQuantizer,
    benchmark: PreparedBenchmark,
    *,
    batch_size: int,
    repeats: int,
    numerics: str,
) -> SpeedRecord:
    """Load a variant anew and time it on the first batch of a benchmark.

    Parameters
    ----------
    cache : Cache
        Where the decoded images are.
    model, quantizer
        The variant.
    benchmark : PreparedBenchmark
        Whose first images and texts are used; cycled where there are fewer than a batch.
    batch_size : int
        Images, and texts, per batch.
    repeats : int
        Batches that are timed, after one that is not.
    numerics : str
        The kernels that run, in words.
    """
    pixels = pixel_store(cache, benchmark.items.images, benchmark.images_key, model.checkpoint.preprocessing.geometry)
    batch = np.array(pixels[np.arange(batch_size) % len(pixels)])
    texts = [benchmark.prompts.texts[i % len(benchmark.prompts.texts)] for i in range(batch_size)]
    peak = Peak(quantizer.device)
    begun = time.perf_counter()
    variant = quantizer.entry.record.build(model.checkpoint, Context(device=quantizer.device), quantizer.options)
    load = time.perf_counter() - begun
    try:
        # What an encoder returns is on the CPU already, so that a GPU's work is done when the clock is read.
        return SpeedRecord(
            model=model.planned.label,
            quantizer=quantizer.label,
            numerics=numerics,
            load_seconds=load,
            images=_rate(lambda: variant.encoder.encode_images(batch), batch_size, repeats),
            texts=_rate(lambda: variant.encoder.encode_texts(texts), batch_size, repeats),
            peak_bytes=peak.bytes(),
            batch_size=batch_size,
            repeats=repeats,
        )
    finally:
        variant.encoder.close()


def _rate(work: Callable[[], object], count: int, repeats: int) -> Rate:
    work()
    rates = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        rates.append(count / (time.perf_counter() - begun))
    return Rate(per_second=statistics.median(rates), low=min(rates), high=max(rates))
