"""What torch says of the CPU is remembered under all that decides it, so that torch need not be imported for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from qbench.models import numerics

ASK = """
import json, sys
from qbench.models.numerics import check_device, gpus, numerics, threads
check_device("cpu")
print(json.dumps([numerics("cpu"), threads(), gpus(), "torch" in sys.modules]))
"""


def asked(cache: Path, **environment: str) -> tuple[str, int, list[str], bool]:
    """In a process of its own: numerics, threads, GPUs, and whether torch was imported."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "QBENCH_CACHE": str(cache), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(json.loads(done.stdout))


@pytest.fixture
def known(monkeypatch) -> dict[str, object]:
    """A machine of which all that decides is known, whatever this one is; the test may change it."""
    parts: dict[str, object] = {"torch": "1", "cores": 2}
    monkeypatch.setattr(numerics, "_decided_by", lambda: dict(parts))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    return parts


@pytest.fixture
def answers(tmp_path, monkeypatch) -> list[dict[str, object]]:
    """What torch will say, one answer after another, in place of importing it."""
    said: list[dict[str, object]] = []
    monkeypatch.setattr(numerics, "_asked", lambda: said.pop(0))
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path))
    return said


def fact(words: str, threads: int = 2) -> dict[str, object]:
    return {"numerics": words, "threads": threads}


@pytest.mark.skipif(numerics._decided_by() is None, reason="not Linux without a GPU: torch is asked each time")
def test_the_second_process_knows_without_torch_and_another_number_of_threads_is_asked_for(tmp_path) -> None:
    first = asked(tmp_path, OMP_NUM_THREADS="1")
    assert "1 threads, torch" in first[0]
    assert first[1:] == (1, [], True)
    assert asked(tmp_path, OMP_NUM_THREADS="1") == (*first[:3], False)


def test_torch_is_asked_once(known, answers) -> None:
    answers.append(fact("cpu, first"))
    assert [numerics.numerics("cpu"), numerics.numerics("cpu"), numerics.threads()] == ["cpu, first", "cpu, first", 2]


def test_it_is_asked_again_where_anything_that_decides_is_different(known, answers) -> None:
    answers += [fact("cpu, first"), fact("cpu, second")]
    assert numerics.numerics("cpu") == "cpu, first"
    known["torch"] = "2"
    assert numerics.numerics("cpu") == "cpu, second"
    known["torch"] = "1"
    assert numerics.numerics("cpu") == "cpu, first"


def test_what_is_damaged_is_asked_again_and_mended(known, answers, tmp_path, caplog) -> None:
    answers += [fact("cpu, first"), fact("cpu, again")]
    numerics.numerics("cpu")
    (path,) = (p for p in (tmp_path / "numerics").rglob("*") if p.is_file())
    path.write_bytes(path.read_bytes().replace(b"first", b"other"))
    assert [numerics.numerics("cpu"), numerics.numerics("cpu")] == ["cpu, again", "cpu, again"]
    assert "the file is damaged" in caplog.text


def test_where_torch_is_imported_it_is_asked_and_nothing_is_remembered(known, answers, monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "torch", object())
    answers += [fact("cpu, 4 threads"), fact("cpu, 3 threads")]
    assert [numerics.numerics("cpu"), numerics.numerics("cpu")] == ["cpu, 4 threads", "cpu, 3 threads"]
    assert not any(tmp_path.iterdir())


def test_where_not_all_that_decides_is_known_torch_is_asked_each_time(known, answers, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(numerics, "_decided_by", lambda: None)
    answers += [fact("cpu, 4 threads"), fact("cpu, 3 threads")]
    assert [numerics.numerics("cpu"), numerics.numerics("cpu")] == ["cpu, 4 threads", "cpu, 3 threads"]
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="what decides is known on Linux only")
def test_all_that_decides_is_listed(monkeypatch) -> None:
    monkeypatch.setattr(numerics, "GPUS", ())
    before = numerics._decided_by()
    assert before is not None
    monkeypatch.setenv("OMP_NUM_THREADS", "17")
    monkeypatch.setenv("UNRELATED", "1")
    after = numerics._decided_by()
    assert {name for name in before if before[name] != after[name]} == {"environment"}
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3, 4, 5, 6})
    assert numerics._decided_by()["cores"] != before["cores"]
    monkeypatch.setattr(numerics, "GPUS", ("/dev/null",))
    assert numerics._decided_by() is None
