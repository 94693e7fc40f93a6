"""Every writer holds a lock, which is free again when its process has ended; a reader never sees half a cell."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pandas as pd
import pytest

from qbench.errors import InputError
from qbench.metrics.interface import Outcome
from qbench.runfolder import writer
from qbench.runfolder.reader import read_cell
from qbench.runfolder.schema import CellLabels, RunRecord
from qbench.runfolder.writer import RunFolder, concluding
from tests.unit.conftest import cell_record
from tests.unit.runfolder.test_writer import ITEMS, METRICS

NAME = "cells/facet/m/q-12345678"
LABELS = CellLabels(model="m", quantizer="q", benchmark="facet")
WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from qbench.runfolder import writer
from qbench.metrics.interface import Outcome
from tests.unit.runfolder.test_locks import NAME, write
usual = writer.write_table
def die(path, table):
    if path.stem == "metrics":
        os.kill(os.getpid(), signal.SIGKILL)
    usual(path, table)
writer.write_table = die
write(Path(sys.argv[1]))
"""


def write(root: Path) -> None:
    RunFolder(root).write_cell(NAME, cell_record(), outcome=Outcome(items=ITEMS), metrics=METRICS)


def test_a_process_that_is_killed_leaves_no_half_cell_and_no_lock(tmp_path: Path) -> None:
    write(tmp_path)
    done = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(tmp_path)], check=False, cwd=Path.cwd())
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / NAME / "items.parquet").exists()
    assert read_cell(tmp_path, NAME, LABELS).status == "missing"
    write(tmp_path)
    assert RunFolder(tmp_path).is_done(NAME, cell_record().key)


def test_what_is_written_of_a_cell_is_seen_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each step of writing it anew, a reader sees no cell; it never takes a new table for one of the old cell."""
    seen: list[str] = []
    usual = writer.write_table

    def look(path: Path, table: pd.DataFrame) -> None:
        seen.append(read_cell(tmp_path, NAME, LABELS).status)
        usual(path, table)
        seen.append(read_cell(tmp_path, NAME, LABELS).status)

    write(tmp_path)
    monkeypatch.setattr(writer, "write_table", look)
    write(tmp_path)
    assert seen == ["missing"] * 4
    assert read_cell(tmp_path, NAME, LABELS).status == "done"


def waits(hold: Callable[[Event, Event], None], other: Callable[[], object]) -> bool:
    """Whether `other` waits until `hold`, which runs in a thread, has let go."""
    held, free, ended = Event(), Event(), Event()
    first = Thread(target=hold, args=(held, free))
    first.start()
    assert held.wait(10)
    second = Thread(target=lambda: (other(), ended.set()))
    second.start()
    waited = not ended.wait(0.3)
    free.set()
    first.join(10)
    assert ended.wait(10)
    second.join(10)
    return waited


def test_two_writers_of_one_part_wait_for_each_other_and_of_two_parts_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = writer.write_table
    pause: list[tuple[Event, Event]] = []

    def slow(path: Path, table: pd.DataFrame) -> None:
        if pause:
            held, free = pause.pop()
            held.set()
            free.wait(10)
        usual(path, table)

    def hold(held: Event, free: Event) -> None:
        pause.append((held, free))
        write(tmp_path)

    monkeypatch.setattr(writer, "write_table", slow)
    folder = RunFolder(tmp_path)
    head = RunRecord(baseline="fp32", cells=(NAME,))
    assert waits(hold, lambda: write(tmp_path))
    assert not waits(hold, lambda: folder.write_cell("cells/facet/m/other-1", cell_record(), metrics=METRICS))
    assert not waits(hold, lambda: folder.update_run(lambda known: head))

    def conclude(held: Event, free: Event) -> None:
        with concluding(tmp_path):
            held.set()
            free.wait(10)

    assert waits(conclude, lambda: folder.update_run(lambda known: head))
    assert not waits(conclude, lambda: write(tmp_path))


def test_a_folder_with_locks_only_can_be_used(tmp_path: Path) -> None:
    with concluding(tmp_path):
        pass
    RunFolder(tmp_path).check_usable()
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="thesis"):
        RunFolder(tmp_path).check_usable()
    assert list((tmp_path / ".locks").iterdir())
