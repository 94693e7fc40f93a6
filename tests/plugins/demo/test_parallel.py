"""Drawing in several processes."""

import errno
import os
import pickle
import signal
import time
from pathlib import Path

import pytest

from qbench.errors import DataError
from qbench_demo import datasets, parallel
from qbench_demo.parallel import call_all


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(parallel, "_cores", lambda: 2)


def test_the_results_are_in_the_order_of_the_calls():
    assert call_all(divmod, [(7, 3), (8, 3), (9, 3)]) == [(2, 1), (2, 2), (3, 0)]


def test_several_processes_share_the_calls_and_one_call_needs_none():
    assert len(set(call_all(os.getpid, [(), (), ()])) - {os.getpid()}) == 2
    assert call_all(os.getpid, [()]) == [os.getpid()]


def test_an_error_of_the_machine_is_raised_here(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        call_all(os.listdir, [(tmp_path,), (tmp_path / "missing",)])
    assert (error.value.errno, error.value.filename) == (errno.ENOENT, str(tmp_path / "missing"))


def test_a_process_that_ends_without_a_result_is_an_error(capfd):
    with pytest.raises(DataError, match="has ended"):
        call_all(divmod, [(1, 1), (1, 0)])
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_process_ends_when_nobody_waits_for_it():
    """As after a kill of the process that started it, which closes the standard input."""
    with parallel._started(pickle.dumps((time.sleep, [(60,)]))) as process:
        process.stdin.close()
        assert process.wait(timeout=20) == 1


def test_all_processes_have_ended_after_an_error():
    with pytest.raises(KeyboardInterrupt), parallel._started(pickle.dumps((time.sleep, [(60,)]))) as process:
        raise KeyboardInterrupt
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("name", ["imagenet", "coco", "facet", "fairface"])
def test_a_dataset_does_not_depend_on_the_number_of_processes(name, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "IMAGENET_PER_CLASS", 1)
    for count in ("COCO_IMAGES", "FACET_PERSONS", "FAIRFACE_IMAGES"):
        monkeypatch.setattr(datasets, count, 6)
    for cores in (1, 2):
        monkeypatch.setattr(parallel, "_cores", lambda cores=cores: cores)
        (tmp_path / str(cores)).mkdir()
        getattr(datasets, f"write_{name}")(tmp_path / str(cores), size=32, parts=3)
    one, two = (contents(tmp_path / cores) for cores in ("1", "2"))
    assert one == two
    assert len(one) > 12


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
