"""The structured log tells what a run did, and where it failed."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from threading import Event, Thread

import pytest

from qbench.errors import InputError
from qbench.execution.quiet import quiet
from qbench.execution.run import execute
from qbench.execution.run_log import event

FIELDS = ["time", "level", "stage", "cell", "what", "seconds", "memory_bytes", "process", "logger"]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def run(spec, registry, cache, tmp_path):
    def go(**changes):
        execute(spec(**changes), tmp_path / "run", registry=registry, cache=cache)
        return lines(tmp_path / "run" / "run.log.jsonl")

    return go


def test_each_stage_begins_and_ends(run):
    found = run(quantizers=["base"])
    assert all(list(line) == FIELDS for line in found)
    told = [(line["stage"], line["what"]) for line in found]
    assert told[0][0] == told[-1][0] == "run"
    assert told[0][1].startswith("begins: the run")
    assert told[-1][1].startswith("ends: the run")
    for stage, end in (("data", "is open"), ("model", "is open"), ("decode", "is done"), ("answer", "is done")):
        assert told.index((stage, "begins")) < told.index((stage, end))
    assert ("score", "is done") in told
    ended = [line for line in found if line["what"] in ("is open", "is done")]
    assert all(line["seconds"] >= 0 for line in ended)
    assert next(line["cell"] for line in found if line["stage"] == "score") == "toy/one · base · toys"
    assert [datetime.fromisoformat(line["time"]).utcoffset().seconds for line in found] == [0] * len(found)
    assert {line["level"] for line in found} == {"info"}


def test_an_error_says_where_it_came_and_has_its_traceback(run):
    broken = {"name": "toys", "dataset": "drawn", "label": "broken", "options": {"broken": "predict"}}
    found = run(benchmarks=[broken, {"name": "toys", "dataset": "drawn"}], quantizers=["base"])
    (error,) = [line for line in found if line["level"] == "error"]
    assert error["stage"] == "score"
    assert error["cell"] == "toy/one · base · broken"
    assert "ZeroDivisionError" in error["what"]


def test_a_run_that_cannot_begin_says_why(run, tmp_path):
    with pytest.raises(InputError):
        run(models=["toy/missing"])
    last = lines(tmp_path / "run" / "run.log.jsonl")[-1]
    assert (last["level"], last["stage"]) == ("error", "run")
    assert "nothing can be run" in last["what"]


def test_the_next_run_is_added(run):
    first = run(quantizers=["base"])
    assert run(quantizers=["base"])[: len(first)] == first


def test_warnings_of_libraries_have_the_stage_and_the_cell(tmp_path):
    with quiet(tmp_path / "log", structured=tmp_path / "log.jsonl"):
        event("begins", stage="answer", cell="a · b · c")
        logging.getLogger("py.warnings").warning("some day \x1b[2J")
        logging.getLogger("library").info("not told")
    begun, warned = lines(tmp_path / "log.jsonl")
    assert (begun["level"], warned["level"]) == ("info", "warning")
    assert (warned["stage"], warned["cell"]) == ("answer", "a · b · c")
    assert "some day" in warned["what"]
    assert "\x1b" not in (tmp_path / "log.jsonl").read_text()
    assert "begins" not in (tmp_path / "log").read_text()


def test_a_warning_has_the_stage_of_its_thread(tmp_path):
    def work():
        event("begins", stage="model", cell="a")
        begun.set()
        warn.wait()
        logging.getLogger("library").warning("of the model")

    begun, warn, thread = Event(), Event(), Thread(target=work)
    with quiet(tmp_path / "log", structured=tmp_path / "log.jsonl"):
        thread.start()
        begun.wait()
        event("begins", stage="data", cell="b")
        warn.set()
        thread.join()
        logging.getLogger("library").warning("of the data")
        other = Thread(target=lambda: logging.getLogger("library").warning("of a thread without events"))
        other.start()
        other.join()
    stages = {line["what"]: line["stage"] for line in lines(tmp_path / "log.jsonl")}
    assert stages["of the model"] == "model"
    assert stages["of the data"] == stages["of a thread without events"] == "data"
