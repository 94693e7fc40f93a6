"""A fairness dataset of a distribution of its own, without code but for this hook: copy it and put in your data."""

from pathlib import Path

from qbench.api import declared_benchmark, hookimpl

DATA = Path(__file__).parent / "data"


@hookimpl
def qbench_benchmarks():
    """Give the two benchmarks that the data's descriptions say."""
    yield declared_benchmark(DATA / "dataset.toml")
    yield declared_benchmark(DATA / "rankings.toml")
