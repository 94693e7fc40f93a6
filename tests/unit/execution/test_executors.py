"""How units are executed changes no result: in another order, and from their text, gives the same bits."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from qbench.api import InputError
from qbench.api.executors import Executor, Kind, UnitResult, WorkUnit
from qbench.execution.run import execute
from qbench.execution.worker import Work
from qbench.plugins.registry import Entry
from tests.unit.execution.conftest import PLUGIN


class Shuffled:
    """Executes any unit that can be executed, in a random order; each from a text that has been through JSON."""

    def __init__(self):
        self.executed = []

    def execute(self, units, work, done):
        rng, left, ended, failed = np.random.default_rng(7), list(units), set(), set()
        while left:
            ready = [unit for unit in left if set(unit.after) <= ended | failed]
            unit = ready[rng.integers(len(ready))]
            left.remove(unit)
            if not failed.isdisjoint(unit.after):
                failed.add(unit.id)
                continue
            text = json.dumps(json.loads(unit.to_json()))
            assert WorkUnit.from_json(text) == unit
            result = pickle.loads(pickle.dumps(work(text)))
            self.executed.append(unit)
            (ended if result.problem is None else failed).add(unit.id)
            done(result)


@pytest.fixture
def shuffled(registry):
    made = Shuffled()
    record = Executor(name="shuffled", summary="in a random order", load=lambda options: made)
    registry.entries["qbench_executors"].append(Entry(plugin=PLUGIN, record=record))
    return made


def tables(folder):
    """All tables of a run folder by their relative path."""
    return {path.relative_to(folder).as_posix(): pd.read_parquet(path) for path in sorted(folder.rglob("*.parquet"))}


BENCHMARKS = [{"name": "toys", "dataset": "drawn"}, {"name": "toys", "dataset": "drawn", "label": "again"}]


@pytest.mark.parametrize("quantizers", [["base", "half"], ["base", "bad", "half"]])
def test_another_order_gives_the_same_bits(spec, registry, shuffled, tmp_path, quantizers):
    from qbench.store.cache import Cache

    wanted = {"models": ["toy/one", "toy/two"], "quantizers": quantizers, "benchmarks": BENCHMARKS, "noise": 2}
    done = {}
    for executor in ("local", "shuffled"):
        made = execute(
            spec(**wanted, executor=executor),
            tmp_path / executor,
            registry=registry,
            cache=Cache(tmp_path / f"c-{executor}"),
        )
        done[executor] = made.done, made.computed, made.failed
    assert done["shuffled"] == done["local"]
    assert [unit.kind for unit in shuffled.executed] != sorted((unit.kind for unit in shuffled.executed), key=str)
    expected, found = tables(tmp_path / "local"), tables(tmp_path / "shuffled")
    assert list(found) == list(expected)
    assert len(found) >= 2 * 2 * 3
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table, check_exact=True)


def test_a_unit_that_fails_fails_what_depends_on_it_and_nothing_else(spec, registry, shuffled, tmp_path, cache):
    wanted = spec(quantizers=["base", "bad"], executor="shuffled")
    summary = execute(wanted, tmp_path / "run", registry=registry, cache=cache)
    assert (summary.done, summary.failed) == (1, 1)
    executed = [(unit.kind, unit.quantizer) for unit in shuffled.executed]
    assert (Kind.SCORE, "base") in executed
    assert (Kind.SCORE, "bad") not in executed


def test_a_variant_is_loaded_once_although_units_of_others_come_between(spec, registry, shuffled, tmp_path, cache, log):
    execute(spec(benchmarks=BENCHMARKS, executor="shuffled"), tmp_path / "run", registry=registry, cache=cache)
    loaded, most = 0, 0
    for entry in log:
        loaded += {"build": 1, "close": -1}.get(entry[0], 0)
        most = max(most, loaded)
    assert (loaded, most) == (0, 1)


def test_units_say_what_they_want(spec, registry, shuffled, tmp_path, cache):
    execute(
        spec(device="cpu", workers=3, speed=1, executor="shuffled"), tmp_path / "run", registry=registry, cache=cache
    )
    wants = {unit.kind: unit.wants for unit in shuffled.executed}
    assert set(wants) == set(Kind)
    assert wants[Kind.DECODE].workers == 3
    assert wants[Kind.ANSWER].shares.startswith("toy/one · ")
    assert [kind for kind, resources in wants.items() if resources.alone] == [Kind.SPEED]
    decode = next(unit for unit in shuffled.executed if unit.kind is Kind.DECODE)
    assert decode.geometry.size == 4
    answers = [unit for unit in shuffled.executed if unit.kind is Kind.ANSWER]
    assert all(decode.id in unit.after for unit in answers)


def test_pickled_work_is_plain_data(spec, tmp_path):
    work = Work(spec(), tmp_path, worker=object())
    copied = pickle.loads(pickle.dumps(work))
    assert copied.__getstate__() == work.__getstate__()
    assert copied.__getstate__()["_worker"] is None


def test_an_executor_that_does_not_exist_is_refused_before_anything_is_done(spec, registry, tmp_path, cache):
    with pytest.raises(InputError, match=r"there is no executor called 'ray'(.|\n)*Available: local"):
        execute(spec(executor="ray"), tmp_path / "run", registry=registry, cache=cache)
    assert not (tmp_path / "run").exists()


def test_a_result_says_whether_it_failed():
    assert UnitResult(unit="score 1").problem is None
