"""How units are executed changes no result: in another order, and from their text, gives the same bits."""

import json
import pickle
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import qbench
from qbench.api import InputError
from qbench.api.executors import Executor, Kind, UnitResult, WorkUnit
from qbench.cli.common import executed_by
from qbench.execution.progress import Silent
from qbench.execution.reports import Reporter, listening
from qbench.execution.run import execute
from qbench.execution.worker import Work
from qbench.plugins.registry import Entry
from qbench.results import load
from qbench.store.cache import Cache
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


class Several(Shuffled):
    """Says that it executes three units at once."""

    closed = False

    def at_once(self, wants):
        return 3

    def close(self):
        self.closed = True


@pytest.fixture(params=[Shuffled])
def shuffled(registry, request):
    made = request.param()
    record = Executor(name="shuffled", summary="in a random order", load=lambda options: made)
    registry.entries["qbench_executors"].append(Entry(plugin=PLUGIN, record=record))
    return made


def tables(folder):
    """All tables of a run folder by their relative path."""
    return {path.relative_to(folder).as_posix(): pd.read_parquet(path) for path in sorted(folder.rglob("*.parquet"))}


BENCHMARKS = [{"name": "toys", "dataset": "drawn"}, {"name": "toys", "dataset": "drawn", "label": "again"}]


@pytest.mark.parametrize("quantizers", [["base", "half"], ["base", "bad", "half"]])
def test_another_order_gives_the_same_bits(spec, registry, shuffled, tmp_path, quantizers):
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


@pytest.mark.parametrize("shuffled", [Several], indirect=True)
def test_work_is_divided_for_an_executor_that_does_several_units_at_once(
    spec, registry, shuffled, tmp_path, cache, log, monkeypatch
):
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 5)
    wanted = {"quantizers": ["base", "half"], "noise": 1, "batch_size": 5}
    execute(spec(**wanted), tmp_path / "local", registry=registry, cache=Cache(tmp_path / "local-cache"))
    once = Counter(entry for entry in log if entry[0] in ("images", "texts"))
    log.clear()
    done = execute(spec(**wanted, executor="shuffled"), tmp_path / "run", registry=registry, cache=cache)
    assert (done.done, done.failed, shuffled.closed) == (2, 0, True)
    assert Counter(entry for entry in log if entry[0] in ("images", "texts")) == once
    answered = [unit for unit in shuffled.executed if unit.kind is Kind.ANSWER]
    assert len(answered) == 2 * (
        3 + 3
    )  # of each variant in both orders, three parts of images; the text is one of them
    scored = [unit for unit in shuffled.executed if unit.kind is Kind.SCORE]
    assert [sum(name.startswith("answer") for name in unit.after) for unit in scored] == [4, 4]
    assert not any(unit.wants.shares for unit in scored)  # whoever scores keeps the model that it has loaded
    expected, found = tables(tmp_path / "local"), tables(tmp_path / "run")
    assert list(found) == list(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table, check_exact=True)


@pytest.mark.parametrize("shuffled", [Several], indirect=True)
def test_a_cell_of_which_several_parts_fail_is_said_once(spec, registry, shuffled, tmp_path, cache, monkeypatch):
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 5)
    said, told = [], Silent()
    monkeypatch.setattr(told, "say", lambda text, style="": said.append(text))
    wanted = spec(quantizers=["base", "bad"], executor="shuffled")
    assert execute(wanted, tmp_path / "run", registry=registry, cache=cache, progress=told).failed == 1
    assert [text.partition(": the method")[0] for text in said] == ["failed: toy/one · bad · toys"]


def test_another_kind_of_machine_refuses_a_unit(spec, registry, shuffled, tmp_path, cache):
    here = shuffled.execute

    def there(units, work, done):
        here(units, lambda text: work(replace(WorkUnit.from_json(text), key="of another machine").to_json()), done)

    shuffled.execute = there
    execute(spec(executor="shuffled"), tmp_path / "run", registry=registry, cache=cache)
    errors = load(tmp_path / "run").cells["error"]
    assert errors.str.contains("on this machine the cell is another one than on the machine of the run").all()
    assert errors.str.contains("Here it would be computed on: cpu").all()


def test_what_units_of_other_processes_tell_reaches_the_progress():
    told, begun = [], []

    class Progress(Silent):
        def step(self, n=1):
            told.append(n)

    unit = WorkUnit(id="a", kind=Kind.SCORE, benchmark="toys")
    reporter = Reporter()
    with listening(Progress(), begun.append):
        reporter.begins(unit)
        for _ in range(3):
            reporter.step(2)
        reporter.ends()
    assert (sum(told), begun) == (6, [unit])


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


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        (None, None, None),
        (None, "b:1", {"name": "cluster", "options": {"address": "b:1", "more": 1}}),
        ("cluster", None, {"name": "cluster", "options": {"address": "a:1", "more": 1}}),
        ("local", None, {"name": "local", "options": {}}),
        ("other", "b:1", {"name": "other", "options": {"address": "b:1"}}),
    ],
)
def test_an_executor_on_the_command_line_stands_in_the_place_of_the_specs(spec, name, address, expected):
    given = spec(executor={"name": "cluster", "options": {"address": "a:1", "more": 1}})
    assert executed_by(given, name, address) == expected


def test_python_names_an_executor(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("qbench._run", lambda wanted, out, shard: asked.append(wanted.executor))
    qbench.run("demo", tmp_path, executor={"name": "other", "options": {"address": "a:1"}})
    qbench.run("demo", tmp_path, executor="other")
    qbench.run("demo", tmp_path)
    assert [(found.name, found.options) for found in asked] == [
        ("other", {"address": "a:1"}),
        ("other", {}),
        ("local", {}),
    ]
