"""An executor on other processes: every unit is executed from its text alone, and the results have the same bits."""

import dataclasses
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pandas as pd

from qbench.api.executors import Executor
from qbench.execution.run import execute
from qbench.plugins.registry import Entry, installed
from qbench.spec.read import read_spec
from qbench.store.cache import Cache


class Processes:
    """One process after another, each for one half of the units; both come from a server that has imported torch."""

    def execute(self, units, work, done):
        context = get_context("forkserver")
        context.set_forkserver_preload(["__main__", "tests.faults.warm"])
        half = len(units) // 2
        failed = set()
        for part in (units[:half], units[half:]):
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                for unit in part:
                    if failed.isdisjoint(unit.after):
                        result = pool.submit(work, unit.to_json()).result()
                        done(result)
                        if result.problem is None:
                            continue
                    failed.add(unit.id)


def test_units_executed_in_other_processes_give_the_same_bits(tmp_path):
    values = {
        "name": "x",
        "models": ["demo/balanced"],
        "quantizers": ["fp32", "torch-int8"],
        "benchmarks": [{"name": "fairface", "dataset": "demo-fairface"}],
        "limit": 48,
        "noise": 1,
    }
    registry = installed()
    plugin = registry.probes()[0].plugin
    record = Executor(name="processes", summary="in other processes", load=Processes)
    executors = [*registry.executors(), Entry(plugin=plugin, record=record)]
    other = dataclasses.replace(registry, entries={**registry.entries, "qbench_executors": executors})
    for executor in ("local", "processes"):
        done = execute(
            read_spec({**values, "executor": executor}),
            tmp_path / executor,
            registry=other,
            cache=Cache(tmp_path / f"{executor}-cache"),
        )
        assert (done.computed, done.failed) == (2, 0)
    expected = sorted((tmp_path / "local").rglob("*.parquet"))
    assert len(expected) == 2 * 4 + 1
    for path in expected:
        found = tmp_path / "processes" / path.relative_to(tmp_path / "local")
        pd.testing.assert_frame_equal(pd.read_parquet(found), pd.read_parquet(path), check_exact=True)
