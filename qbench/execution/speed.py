"""Speed and memory of a variant: warmed up, repeated, with the spread. Opt-in, because it costs time of its own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from qbench.execution.asked import AskedVariant
from qbench.execution.memory import Peak
from qbench.runfolder.schema import Rate, SpeedRecord


def measure_speed(asked: AskedVariant, *, batch_size: int, repeats: int) -> SpeedRecord:
    """Load a variant anew and time it on the first batch of a benchmark.

    Parameters
    ----------
    asked : AskedVariant
        The variant, and the benchmark that the batch is of.
    batch_size : int
        Images (or texts) per batch.
    repeats : int
        Batches that are timed, after one that is not.
    """
    variant, work = asked.variant, asked.timed_work()
    peak = Peak(variant.quantizer.device)
    begun = time.perf_counter()
    built = variant.build()
    load = time.perf_counter() - begun
    try:
        # What an encoder returns is on the CPU already, so that a GPU's work is done when the clock is read.
        rates = {name: _rate(partial(do, built.encoder), batch_size, repeats) for name, do in work.items()}
        return SpeedRecord(
            model=variant.model.planned.label,
            quantizer=variant.quantizer.label,
            numerics=asked.parts["numerics"],
            load_seconds=load,
            rates=rates,
            peak_bytes=peak.bytes(),
            batch_size=batch_size,
            repeats=repeats,
        )
    finally:
        built.encoder.close()


def _rate(work: Callable[[], object], count: int, repeats: int) -> Rate:
    work()
    rates = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        rates.append(count / (time.perf_counter() - begun))
    return Rate(per_second=statistics.median(rates), low=min(rates), high=max(rates))
