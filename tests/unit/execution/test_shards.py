"""Shards of a run compute parts of it, in any order and at once; the result is that of one run, bit for bit."""

import json
import os
import sys
from collections import Counter
from types import SimpleNamespace

import pytest
from rich.console import Console
from typer.testing import CliRunner

import qbench
from qbench.cli import app
from qbench.errors import InputError
from qbench.execution.forecast import forecast
from qbench.execution.progress import Bar
from qbench.execution.run import execute
from qbench.execution.sharding import Shard, read_shard
from qbench.execution.worker import Worker
from qbench.executors.work_units import WHOLE
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.runfolder.integrity import SEAL, seal_of
from qbench.store.cache import Cache
from tests.unit.execution.conftest import Encoder

TIMES = {"created", "updated", "seconds", "load_seconds", "rates", "peak_bytes", SEAL}
TWICE = [{"name": "toys", "dataset": "drawn"}, {"name": "toys", "dataset": "drawn", "label": "again"}]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Three parts of 12 images, of 5, 5 and 2: a batch has 5."""
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 5)


@pytest.fixture
def wanted(spec):
    return spec(speed=1, noise=1)


@pytest.fixture
def run(wanted, registry, tmp_path):
    """Execute a shard, or all, in the folder and with the cache of a name."""

    def go(name, shard=None, spec=wanted):
        cache = Cache(tmp_path / f"{name}-cache")
        done = execute(spec, tmp_path / name, registry=registry, cache=cache, shard=shard)
        if done.complete:
            analysed(load(tmp_path / name))
        return done

    return go


def content(folder):
    """Every file, without what differs from run to run."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("run.log") and ".lock" not in path.name:
            name = path.relative_to(folder).as_posix()
            found[name] = without_times(path) if path.suffix == ".json" else path.read_bytes()
    return found


def without_times(path):
    values = json.loads(path.read_text())
    assert values[SEAL] == seal_of(values)
    return {key: value for key, value in values.items() if key not in TIMES}


@pytest.fixture
def expected(run, tmp_path):
    run("whole")
    return content(tmp_path / "whole")


def answers(log):
    """How often which number of images or texts was answered."""
    return Counter(entry for entry in log if entry[0] in ("images", "texts"))


@pytest.mark.parametrize("order", [(1, 2), (3, 1, 2), (5, 4, 3, 2, 1)])
def test_shards_give_in_any_order_what_one_run_gives(run, expected, tmp_path, order):
    ended = [run("shards", Shard(number, len(order))) for number in order]
    assert [done.complete for done in ended] == [False] * (len(order) - 1) + [True]
    assert (ended[-1].done, ended[-1].failed) == (2, 0)
    assert content(tmp_path / "shards") == expected


def test_shards_compute_nothing_twice(run, log, spec):
    wanted = spec(noise=1, benchmarks=TWICE)
    run("whole", spec=wanted)
    once = answers(log)
    log.clear()
    ended = [run("shards", Shard(number, 5), wanted) for number in range(1, 6)]
    assert answers(log) == once
    assert (ended[-1].complete, ended[-1].done) == (True, 4)


def test_a_shard_that_was_killed_is_repeated_by_the_same_command(run, expected, tmp_path, monkeypatch):
    encode, left = Encoder.encode_images, [2]

    def stops(self, pixels):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return encode(self, pixels)

    with monkeypatch.context() as stopping, pytest.raises(KeyboardInterrupt):
        stopping.setattr(Encoder, "encode_images", stops)
        run("shards", Shard(2, 4))
    others = [run("shards", Shard(number, 4)) for number in (4, 1, 3)]
    assert not any(done.complete for done in others)
    assert run("shards", Shard(2, 4)).complete
    assert content(tmp_path / "shards") == expected


def test_the_whole_run_completes_what_shards_have_left(run, expected, tmp_path):
    for number in (1, 4):
        assert not run("shards", Shard(number, 4)).complete
    assert run("shards").complete
    assert content(tmp_path / "shards") == expected


def test_more_shards_than_work_have_nothing_to_do(run):
    done = run("shards", Shard(40, 40))
    assert (done.cells, done.done, done.computed, done.failed, done.complete) == (0, 0, 0, 0, False)


def test_a_cell_that_failed_is_not_tried_again_by_the_shard_that_concludes(run, spec, registry, log):
    wanted = spec(quantizers=["bad", "base"])
    first = run("shards", Shard(1, 2), wanted)
    assert (first.done, first.failed, first.complete) == (0, 1, False)
    log.clear()
    last = run("shards", Shard(2, 2), wanted)
    assert (last.done, last.failed, last.complete) == (1, 1, True)
    assert ("build", 0) not in log


def test_a_variant_that_fails_fails_in_each_of_its_shards(run, spec):
    wanted = spec(quantizers=["bad", "base"])
    ended = [run("shards", Shard(number, 4), wanted) for number in range(1, 5)]
    assert [(done.failed, done.cells) for done in ended[:3]] == [(1, 1), (0, 1), (1, 1)]
    assert (ended[3].done, ended[3].failed, ended[3].complete) == (1, 1, True)


def test_a_cell_that_another_shard_has_scored_is_not_recorded_as_failed(run, spec, monkeypatch):
    wanted, score, first = spec(), Worker._score, [True]

    def fails_after_another_has_scored(worker, unit):
        if first.pop() if first else False:
            assert run("shards", Shard(1, 4), wanted).done == 1
            raise RuntimeError("too little memory, say")
        return score(worker, unit)

    assert run("shards", Shard(1, 4), wanted).done == 0
    monkeypatch.setattr(Worker, "_score", fails_after_another_has_scored)
    done = run("shards", Shard(3, 4), wanted)
    assert (first, done.done, done.failed) == ([], 1, 0)


def test_a_shard_does_not_conclude_while_another_is_at_work(run, wanted, registry, tmp_path):
    from qbench.store.lock import locked, locked_together

    run("shards", Shard(1, 2))
    with locked_together(tmp_path / "shards"):
        assert not run("shards", Shard(2, 2)).complete
        with pytest.raises(InputError, match="another qbench process"), locked(tmp_path / "shards"):
            pass
    assert run("shards", Shard(2, 2)).complete


def test_a_shard_of_another_spec_is_said(run, spec, tmp_path):
    run("shards", Shard(1, 2), spec())
    log = tmp_path / "shards" / "run.log"
    run("shards", Shard(1, 2), spec(workers=2, note="the same cells"))
    assert not log.exists() or "a spec with other" not in log.read_text()
    run("shards", Shard(2, 2), spec(limit=7))
    assert "is of a spec with other limit; from now on" in log.read_text()


@pytest.mark.parametrize("variants", [1, 2, 5, 6])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 11])
def test_every_piece_is_in_exactly_one_shard(variants, count):
    found = Counter()
    for number in range(1, count + 1):
        for variant in range(variants):
            share = Shard(number, count).share(variant, variants)
            assert share in (None, WHOLE) or count > variants
            found.update((variant, piece) for piece in range(12) if share is not None and share.has(piece))
    assert found == Counter((variant, piece) for variant in range(variants) for piece in range(12))


def slurm(task, count, first=None, step=None):
    given = {"ID": task, "COUNT": count, "MIN": first, "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("1/1", {}, (1, 1)),
        ("3/12", {}, (3, 12)),
        ("auto", slurm("0", "4"), (1, 4)),
        ("auto", slurm("3", "4", "0", "1"), (4, 4)),
        ("auto", slurm("1", "4", "1"), (1, 4)),
        ("auto", slurm("7", "4", "1", "2"), (4, 4)),
    ],
)
def test_shards_as_they_are_named(text, environment, expected):
    shard = read_shard(text, environment)
    assert (shard.number, shard.of) == expected


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("0/4", {}, "there is no shard 0 of 4: shards are numbered from 1 to 4"),
        ("5/4", {}, "there is no shard 5 of 4"),
        ("1/0", {}, "there is no shard 1 of 0"),
        ("2", {}, "'2' is not a shard"),
        ("-1/4", {}, "is not a shard"),
        ("1/4/2", {}, "is not a shard"),
        ("1.0/4", {}, "is not a shard"),
        ("²/4", {}, "is not a shard"),
        ("", {}, "is not a shard"),
        ("auto", {}, "not a task of a Slurm array"),
        ("auto", slurm("1", None), "not a task of a Slurm array"),
        ("auto", slurm("x", "4"), "not whole numbers: SLURM_ARRAY_TASK_ID=x"),
        ("auto", slurm("9", "4", "1"), "task 9 of 4, from 1"),
        ("auto", slurm("4", "4", "1", "2"), "not numbered evenly"),
    ],
)
def test_what_is_no_shard_is_refused(text, environment, said):
    with pytest.raises(InputError, match=said) as found:
        read_shard(text, environment)
    assert found.value.exit_code == 2
    assert os.linesep not in found.value.what


@pytest.fixture
def plan_of_shard(wanted, registry, tmp_path):
    def forecast_(shard):
        found = forecast(
            wanted, tmp_path / "shards", registry=registry, cache=Cache(tmp_path / "shards-cache"), shard=shard
        )
        return [(part.label, part.state, part.detail) for part in found.part]

    return forecast_


def test_what_a_shard_would_compute_is_listed(run, plan_of_shard):
    run("shards", Shard(1, 4))  # writes the data: before, nothing is known of its images
    name = "toy/one · {} · toys"
    assert plan_of_shard(Shard(1, 4)) == [(name.format("base"), "to compute", "0 images, 0 texts")]
    assert plan_of_shard(Shard(3, 4)) == [(name.format("base"), "to compute", "12 images, 2 texts")]
    assert plan_of_shard(Shard(2, 2)) == [(name.format("half"), "to compute", "24 images, 4 texts")]
    assert plan_of_shard(Shard(40, 40)) == []
    run("shards")
    assert plan_of_shard(Shard(1, 4)) == [(name.format("base"), "done", "")]


def test_python_names_a_shard_by_two_numbers(monkeypatch, tmp_path):
    asked = []

    def execute_(spec, folder, *, shard, exchange):
        assert exchange is None
        asked.append(shard)
        return SimpleNamespace(complete=False)

    monkeypatch.setattr("qbench.execution.run.execute", execute_)
    monkeypatch.setattr("qbench.load", lambda folder: "as far as it is there")
    assert qbench.run("demo", tmp_path, shard=(2, 4)) == "as far as it is there"
    assert asked == [Shard(2, 4)]
    with pytest.raises(InputError, match="there is no shard 5 of 4"):
        qbench.run("demo", tmp_path, shard=(5, 4))


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_wrong_shard_on_the_command_line_is_said_before_anything_is_read(command, tmp_path):
    done = CliRunner().invoke(app, [command, "demo", "--out", str(tmp_path / "run"), "--shard", "4"])
    assert isinstance(done.exception, InputError)
    assert str(done.exception).startswith("--shard: '4' is not a shard\nIt is two whole numbers, such as 1/4")
    assert not (tmp_path / "run").exists()


def test_each_line_of_the_progress_names_the_shard(capsys):
    with Bar(Console(file=sys.stdout, width=100), "shard 2/4") as told:
        told.finished("a · b · c", 1, 1)
        told.say("something")
    assert capsys.readouterr().out == "shard 2/4: 1 of 1 cell: a · b · c\nshard 2/4: something\n"
