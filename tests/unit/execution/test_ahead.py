"""The next variant is loaded while the last cell of the one before is scored; nothing but the time changes."""

import threading

import pytest

from qbench.execution.ahead import Ahead
from qbench.execution.background import in_background
from qbench.execution.run import execute
from qbench.executors.work_units import Kind, Resources, WorkUnit
from qbench.results import load
from qbench.store.cache import Cache

TWO = [{"name": "toys", "dataset": "drawn"}, {"name": "toys", "dataset": "drawn", "label": "again"}]


@pytest.fixture
def threads(registry, log):
    """The threads in which variants are built, in this order."""
    found = []
    for entry in registry.entries["qbench_quantizers"]:

        def build(checkpoint, context, options, original=entry.record.build):
            found.append(threading.current_thread())
            return original(checkpoint, context, options)

        object.__setattr__(entry.record, "build", build)
    return found


@pytest.fixture
def run(spec, registry, cache, tmp_path):
    """Execute a spec into one folder; the summary, and what its cells say."""

    def go(**changes):
        done = execute(spec(**changes), tmp_path / "run", registry=registry, cache=cache)
        return done, load(tmp_path / "run")

    return go


def test_it_is_loaded_in_another_thread_when_the_one_before_is_released(run, threads, log):
    run(benchmarks=TWO)
    assert [thread is threading.main_thread() for thread in threads] == [True, False]
    # The second benchmark has the same images and texts, so that its answers are there. One model at a time is loaded.
    assert [entry for entry in log if entry[0] in ("build", "close")] == [
        ("build", 1.0), ("close",), ("build", 0.9), ("close",)
    ]  # fmt: skip


def test_the_time_of_loading_is_that_of_the_variant_that_was_loaded(run):
    _, results = run()
    assert all("build" in cell.record.seconds for cell in results.done)


def test_results_are_those_of_loading_in_sequence_in_each_order(spec, registry, tmp_path, monkeypatch, threads):
    found = []
    for place, quantizers in enumerate((["base", "half"], ["half", "base"], ["half", "base"])):
        if place == 2:
            monkeypatch.setattr("qbench.execution.ahead.Ahead.begin", lambda *_: None)
        cache, out = Cache(tmp_path / f"cache-{place}"), tmp_path / f"run-{place}"
        execute(spec(quantizers=quantizers), out, registry=registry, cache=cache)
        shards = [path for part in ("images", "texts") for path in (cache.root / part).rglob("rows")]
        assert len(shards) == 4
        tables = [*out.glob("cells/**/*.parquet"), *out.glob("drift/**/*.parquet")]
        files = {path.relative_to(tmp_path).parts[1:]: path.read_bytes() for path in (*shards, *tables)}
        found.append(files)
    assert [thread is threading.main_thread() for thread in threads] == [True, False, True, False, True, True]
    assert found[0] == found[1] == found[2]


def test_what_cannot_be_loaded_fails_its_own_cells_and_is_tried_once(run, log):
    done, results = run(quantizers=["base", "bad", "half"])
    assert (done.done, done.failed) == (2, 1)
    assert log.count(("build", 0)) == 1
    assert results.cells.query("status == 'failed'")["quantizer"].tolist() == ["bad"]


def test_nothing_is_loaded_for_answers_that_are_there(run, threads, tmp_path):
    run()
    threads.clear()
    (tmp_path / "run").rename(tmp_path / "old")
    run()
    assert threads == []


def test_a_variant_that_was_loaded_and_is_not_asked_any_more_is_released(run, log, registry):
    """The first variant's last cell cannot be scored by a fault of the machine, which ends the run."""
    from qbench.errors import MachineError

    task = registry.entries["qbench_benchmarks"][0].record.load

    def full(self, outcome, weights=None):
        raise MachineError("the disk is full")

    original, task.measure = task.measure, full
    try:
        with pytest.raises(MachineError):
            run()
    finally:
        task.measure = original
    assert [entry[0] for entry in log].count("build") == [entry[0] for entry in log].count("close") == 2


def test_what_was_loaded_for_units_that_are_not_executed_is_released(log):
    """Its images cannot be decoded; the variant after it is loaded when it is gone."""
    seen = []
    ahead = Ahead(lambda unit: seen.append(unit.id) or Asked(log))
    kinds = (Kind.ANSWER, Kind.SCORE)
    first, second, third = (
        [WorkUnit(id=f"{kind} {name}", kind=kind, benchmark="x", wants=Resources(shares=name)) for kind in kinds]
        for name in "abc"
    )
    ahead.plan([*first, *second, *third])
    ahead.begin(first[1], lambda: log.append("released a"))
    ahead.begin(third[0], lambda: log.append("released b"))
    assert seen == ["answer b"]
    assert log == ["released a", "loads", "closed"]


class Asked:
    """A variant with a benchmark of which nothing is there."""

    def __init__(self, log):
        self.variant, self.log = self, log

    def missing(self):
        return {"images": 1}

    def load_ahead(self):
        self.log.append("loads")
        return in_background(lambda: None)

    def close(self):
        self.log.append("closed")
