"""What a second worker on a Ray cluster is worth, and what the executor ``ray`` costs: the numbers in docs/scale.md.

Run: ``python benchmarks/scale_out.py`` (some minutes on two idle cores). It needs the extra ``ray``. Clusters have one
or two nodes of one core on this machine; every process computes with one thread. What is timed begins with the first
unit of a kind and ends with the last one, in processes that have imported everything before.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}

import ray
from performance.inputs import PHOTOGRAPH, write_images
from ray.cluster_utils import Cluster

from qbench.api.executors import Kind, UnitExecutor, UnitResult, WorkUnit
from qbench.execution.run import execute
from qbench.executors.local import LocalExecutor
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench_ray.executor import RayExecutor

MODEL = "demo/balanced"
SMALL = (64, 64)
WARM = {"limit": 64, "quantizers": ["fp32", "bf16"]}
"""The run before, with one variant for each process, in which they import what they need."""
KINDS = {"decode-bound": Kind.DECODE, "encode-bound": Kind.ANSWER}


@contextmanager
def cluster(nodes: int) -> Iterator[None]:
    """A cluster of nodes with one core each, to which this process is connected."""
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=node)
    try:
        for _ in range(nodes - 1):
            made.add_node(**node)
        ray.init(made.address, log_to_driver=False)
        yield
    finally:
        ray.shutdown()
        made.shutdown()


def seconds_of(run: Path, kind: Kind) -> float:
    """From the first unit of a kind to the end of the last one, by the log of a run."""
    lines = [json.loads(line) for line in (run / "run.log.jsonl").read_text(encoding="utf-8").splitlines()]
    times = [datetime.fromisoformat(line["time"]) for line in lines if line["stage"] == kind]
    return (max(times) - min(times)).total_seconds()


def timed(folder: Path, datasets: Mapping[str, Path], nodes: int) -> dict[str, float]:
    """What is measured → the seconds that it takes on a cluster."""
    found = {}
    with cluster(nodes):
        for name, dataset in datasets.items():
            for changes in (WARM, {}):
                at = folder / f"{name}-{nodes}-{len(changes)}"
                values: dict[str, Any] = {
                    "name": "scale-out",
                    "models": [MODEL],
                    "quantizers": ["fp32"],
                    "benchmarks": [{"name": "declared", "root": str(dataset / "dataset.toml")}],
                    "workers": 1,
                    "executor": "ray",
                    **changes,
                }
                done = execute(read_spec(values), at, cache=Cache(folder / f"{at.name}-cache"))
                assert not done.failed, "the run failed"
            found[name] = seconds_of(at, KINDS[name])
    return found


def nothing(text: str) -> UnitResult:
    """Work that takes no time."""
    return UnitResult(unit=WorkUnit.from_json(text).id)


def overhead(executor: UnitExecutor, count: int) -> float:
    """Seconds for so many units that do nothing."""
    units = [WorkUnit(id=f"score {number}", kind=Kind.SCORE, benchmark="none") for number in range(count)]
    done: list[UnitResult] = []
    executor.execute(units[:10], nothing, done.append)
    begun = time.perf_counter()
    executor.execute(units, nothing, done.append)
    assert len(done) == count + 10
    return time.perf_counter() - begun


def main() -> None:
    """Measure, and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=8192)
    parser.add_argument("--small-images", type=int, default=16384)
    parser.add_argument("--units", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        datasets = {
            "decode-bound": write_images(folder / "photographs", given.photographs, PHOTOGRAPH),
            "encode-bound": write_images(folder / "small", given.small_images, SMALL),
        }
        one, two = (timed(folder, datasets, nodes) for nodes in (1, 2))
        print("| | one worker, s | two workers, s | speed-up |\n|---|---|---|---|")
        for name in datasets:
            print(f"| {name} | {one[name]:.1f} | {two[name]:.1f} | {one[name] / two[name]:.2f} |")
        print(f"\n| {given.units:,} units that do nothing | seconds | ms per unit |\n|---|---|---|")
        with cluster(2):
            for label, executor in (("local", LocalExecutor()), ("ray, two workers", RayExecutor())):
                took = overhead(executor, given.units)
                print(f"| {label} | {took:.1f} | {1e3 * took / given.units:.2f} |")


if __name__ == "__main__":
    main()
