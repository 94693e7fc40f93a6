"""An executor on other processes: every unit is executed from its text alone, and the results have the same bits."""

import dataclasses
import os
import pickle
import shutil
from pathlib import Path

import pandas as pd

from qbench.api.executors import Executor
from qbench.execution.run import execute
from qbench.plugins.registry import Entry, installed
from qbench.spec.read import read_spec
from qbench.store.cache import Cache

UNITS = Path(__file__).with_name("units.py")


class Processes:
    """One process after another, each for one half of the units."""

    def __init__(self, processes, folder):
        self.processes, self.folder = processes, folder

    def execute(self, units, work, done):
        half = len(units) // 2
        for part in (units[:half], units[half:]):
            (self.folder / "units.pickle").write_bytes(pickle.dumps((work, [unit.to_json() for unit in part])))
            ended = self.processes.run([UNITS, self.folder], cwd=self.folder, env=os.environ)
            assert ended.returncode == 0, ended.stderr
            for result in pickle.loads((self.folder / "results.pickle").read_bytes()):
                assert result.problem is None
                done(result)


def test_units_executed_in_other_processes_give_the_same_bits(tmp_path, processes):
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
    record = Executor(
        name="processes", summary="in other processes", load=lambda options: Processes(processes, tmp_path)
    )
    executors = [*registry.executors(), Entry(plugin=plugin, record=record)]
    other = dataclasses.replace(registry, entries={**registry.entries, "qbench_executors": executors})
    for executor in ("local", "processes"):
        done = execute(
            read_spec({**values, "executor": executor}),
            tmp_path / executor,
            registry=other,
            cache=Cache(tmp_path / "cache"),
        )
        assert (done.computed, done.failed) == (2, 0)
        for made in {x.name for x in (tmp_path / "cache").iterdir()} - {"datasets"}:  # the drawn dataset alone is kept
            shutil.rmtree(tmp_path / "cache" / made)
    expected = sorted((tmp_path / "local").rglob("*.parquet"))
    assert len(expected) == 2 * 4 + 1
    for path in expected:
        found = tmp_path / "processes" / path.relative_to(tmp_path / "local")
        pd.testing.assert_frame_equal(pd.read_parquet(found), pd.read_parquet(path), check_exact=True)
