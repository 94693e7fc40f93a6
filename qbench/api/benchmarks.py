"""Benchmarks and datasets: records, items, outcomes and metrics. Hooks: ``qbench_benchmarks``, ``qbench_datasets``."""

from qbench.data.items import Attribute, Items
from qbench.declared.record import declared_benchmark
from qbench.metrics.interface import INDEX, MetricInfo, Metrics, Outcome, Prompts, Similarity, Statistic, Task
from qbench.plugins.records import Benchmark, Dataset

__all__ = [
    "INDEX",
    "Attribute",
    "Benchmark",
    "Dataset",
    "Items",
    "MetricInfo",
    "Metrics",
    "Outcome",
    "Prompts",
    "Similarity",
    "Statistic",
    "Task",
    "declared_benchmark",
]
