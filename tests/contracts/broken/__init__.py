"""Deliberately broken plugins, one defect each: what the contracts are there to catch. Light, as a plugin has to be.

The good ones are whole; each broken one changes one thing. `CAUGHT` says which check is meant to catch it.
"""

from __future__ import annotations

from broken import benchmarks, executors, images, model_sources, probes, quantizers, statistics
from broken.caught import CAUGHT
from qbench.api import hookimpl

__all__ = ["CAUGHT", "benchmarks", "executors", "images", "model_sources", "probes", "quantizers", "statistics"]


@hookimpl
def qbench_quantizers():
    return [*quantizers.QUANTIZERS, *probes.QUANTIZERS]


@hookimpl
def qbench_benchmarks():
    return [*benchmarks.BENCHMARKS, *probes.benchmarks()]


@hookimpl
def qbench_models():
    return [*model_sources.SOURCES, *probes.sources()]


@hookimpl
def qbench_statistics():
    return statistics.STATISTICS


@hookimpl
def qbench_probes():
    return probes.PROBES


@hookimpl
def qbench_executors():
    return executors.EXECUTORS
