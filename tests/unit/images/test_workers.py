"""Worker processes: what one image does to its process is said of this image, and the others are done."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qbench.errors import DataError, MachineError, QbenchError
from qbench.images import workers
from qbench.images.limits import MEMORY_BUDGET
from qbench.images.locations import ImageLocation
from qbench.images.sources.files import FolderSource
from qbench.images.workers import cores, worked_on


@dataclass(frozen=True)
class Does:
    """Stands for an image: does what `what` says, which is sent to the process as text."""

    what: str
    location: ImageLocation = field(default=ImageLocation(FolderSource("/data"), "x.png"))

    def run(self, reserve):
        exec(self.what, {"reserve": reserve})


def done(*what: str, most=2) -> list[str]:
    """What is said of each of some images."""
    said = {}
    with worked_on([Does(text) for text in what], most) as results:
        for number, error in results:
            said[number] = "" if error is None else str(error).splitlines()[0]
    return [said[number] for number in range(len(what))]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "has ended (by the signal SIGKILL)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "has ended (by the signal SIGSEGV)"),
        ("import os; os._exit(3)", "has ended (exit code 3)"),
        ("import signal; signal.setitimer(signal.ITIMER_REAL, 0.01); import time; time.sleep(900)", "takes too long"),
    ],
)
def test_a_process_that_ends_costs_its_image_and_no_other(what, said):
    begun = time.monotonic()
    first, bad, *others = done("pass", what, *["pass"] * 6, most=1)
    assert bad.startswith("/data/x.png: ")
    assert said in bad
    assert [first, *others] == [""] * 7
    assert time.monotonic() - begun < 600  # none sleeps to its end, on the busiest machine


def test_the_time_of_an_image_is_limited():
    """The limit is set by the system, so that it holds for a decoder that never returns."""
    [said] = done(
        "import signal; from qbench.errors import DataError; "
        "raise DataError(str(0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 10.0))"
    )
    assert said == "/data/x.png: True"


def test_the_memory_of_a_process_is_limited():
    allocate = "bytearray({} * 2**20)"
    said = done(allocate.format(100), allocate.format(900), f"reserve(2**30); {allocate.format(900)}", most=1)
    assert [bool(text) for text in said] == [False, True, False]


def test_images_in_flight_stay_within_the_budget(tmp_path, monkeypatch):
    """Each process says when it holds its memory; two that do not fit in the budget are never at it together."""
    log = tmp_path / "log"
    monkeypatch.setattr(workers, "TASKS_PER_PROCESS", 1)
    large = (
        f"reserve({MEMORY_BUDGET * 2 // 3}); import time; log = open({str(log)!r}, 'a', buffering=1); "
        "log.write('+'); time.sleep(0.02); log.write('-')"
    )
    assert done(*[large] * 6, most=4) == [""] * 6
    assert log.read_text() == "+-" * 6


def test_an_image_that_grows_waits_and_nothing_stands_still(monkeypatch):
    monkeypatch.setattr(workers, "TASKS_PER_PROCESS", 1)
    grows = f"reserve({MEMORY_BUDGET // 2}); reserve({MEMORY_BUDGET})"
    assert done(*[grows] * 6, most=4) == [""] * 6


def test_another_error_than_one_of_an_image_ends_all():
    machine = "from qbench.errors import MachineError; raise MachineError('the disk is full')"
    with pytest.raises(MachineError, match="the disk is full"):
        done("pass", machine, *["pass"] * 20)


@pytest.mark.parametrize(
    ("what", "kind", "said"),
    [
        ("import errno; raise OSError(errno.ENOSPC, 'full')", MachineError, "the disk is full"),
        ("raise OSError(99, 'odd')", MachineError, "odd"),
        ("1 / 0", QbenchError, r"/data/x\.png: working on the image failed \(ZeroDivisionError"),
    ],
)
def test_what_has_nothing_to_do_with_the_image_is_not_blamed_on_it(what, kind, said):
    with pytest.raises(kind, match=said) as error:
        done("pass", what)
    assert not isinstance(error.value, DataError)


def test_a_process_that_cannot_be_started_is_a_problem_of_the_machine(monkeypatch):
    monkeypatch.setattr(workers, "_PROGRAM", "import sys; sys.exit(7)")
    with pytest.raises(MachineError, match=r"could not be started \(exit code 7\)"):
        done("pass")
    monkeypatch.setattr(sys, "executable", "/no/python")
    with pytest.raises(MachineError, match=r"could not be started \(No such file"):
        done("pass")


def test_a_source_that_another_process_does_not_know_is_named():
    class Here(Does):
        pass

    Here.__qualname__ = "Here"
    globals()["Here"] = Here
    try:
        with worked_on([Here("pass")], 1) as results:
            [(_, error)] = results
    finally:
        del globals()["Here"]
    assert "x.png: its source cannot be used in another process" in str(error)


def test_after_many_deaths_the_rest_is_not_tried(monkeypatch):
    monkeypatch.setattr(workers, "MOST_DEATHS", 2)
    said = done("pass", *["import os; os._exit(1)"] * 3, "pass", most=1)
    assert ["exit code" in text for text in said] == [False, True, True, False, False]
    assert all("not tried" in text for text in said[3:])


def test_no_process_outlives_the_block(tmp_path, monkeypatch):
    """Also where the block is left early, and while images hang."""
    note = tmp_path / "processes"
    hang = f"import os, time; open({str(note)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    first = f"import os, time\nwhile not os.path.exists({str(note)!r}): time.sleep(0.01)"
    monkeypatch.setattr(workers, "TASKS_PER_PROCESS", 1)
    with pytest.raises(KeyboardInterrupt), worked_on([Does(first), *[Does(hang)] * 3], 2) as results:
        for _ in results:
            raise KeyboardInterrupt
    assert note.read_text().split()
    assert not [one for one in note.read_text().split() if alive(int(one))]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(tmp_path, how):
    note = tmp_path / "processes"
    task = f"import os, time; open({str(note)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(0.2)"
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it\n"
        "from tests.unit.images.test_workers import Does, worked_on\n"
        f"with worked_on([Does({task!r})] * 200, 2) as results:\n    list(results)\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[3], stderr=subprocess.DEVNULL
    )
    wait_for(lambda: note.exists() and len(set(note.read_text().split())) == 2)
    started.send_signal(how)
    assert started.wait(60) != 0
    wait_for(lambda: not any(alive(int(one)) for one in set(note.read_text().split())))


def wait_for(what) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until, "this takes too long"
        time.sleep(0.02)


def test_as_many_processes_as_cores():
    assert cores() == len(os.sched_getaffinity(0))


def test_no_process_for_nothing():
    assert done() == []
