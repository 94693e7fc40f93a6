"""What a run tells where there is no terminal: one line per finished cell, with the time left."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from qbench.execution import progress
from qbench.execution.progress import Bar


def told(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> list[str]:
    """The lines of a run of three cells that take a minute each."""
    clock = iter((0.0, 60.0, 120.0, 180.0))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock, 180.0))
    stream = io.StringIO()
    bar = Bar(Console(file=stream, width=100, force_terminal=terminal))
    for done in (1, 2, 3):
        bar.finished(f"a · int8 · facet {done}", done, 3)
    return stream.getvalue().splitlines()


def test_a_log_gets_a_line_per_cell_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, last = told(monkeypatch, terminal=False)
    assert first == "1 of 3 cells: a · int8 · facet 1; about 2 min left"
    assert re.search(r"about 60 s left$", second)
    assert last == "3 of 3 cells: a · int8 · facet 3"


def test_a_terminal_has_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, terminal=True) == []
