"""What a run tells while it works. The silent one is the base; the rich one draws a bar with the time left."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from qbench.text import counted, duration


class Silent:
    """Tells nothing: for use from Python, where nothing else is asked for."""

    def __enter__(self) -> Silent:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def begin(self, what: str, total: int) -> None:
        """A stage of `total` steps begins."""

    def doing(self, what: str) -> None:
        """What is done right now."""

    def step(self, n: int = 1) -> None:
        """`n` steps are done."""

    def finished(self, cell: str, done: int, total: int) -> None:
        """A cell is finished, the `done`-th of `total` that are to be computed now."""

    def say(self, text: str, *, style: str = "") -> None:
        """A line to keep."""


class Bar(Silent):
    """A bar with counts and the time left, and lines above it.

    Parameters
    ----------
    console : rich.console.Console
        Where to draw; where it is not a terminal, one line is printed per finished cell.
    name : str
        Stands before each line: the shard of which this is the progress.
    """

    def __init__(self, console: Console, name: str = "") -> None:
        self._console = console
        self._name = f"{name}: " if name else ""
        self._begun = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(f"{self._name}starting", total=None)

    def __enter__(self) -> Bar:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away; the lines stay."""
        self._progress.stop()

    def begin(self, what: str, total: int) -> None:
        """A stage of `total` steps begins."""
        self._progress.reset(self._task, total=total or None, description=self._name + what)

    def doing(self, what: str) -> None:
        """What is done right now."""
        self._progress.update(self._task, description=self._name + what)

    def step(self, n: int = 1) -> None:
        """`n` steps are done."""
        self._progress.advance(self._task, n)

    def finished(self, cell: str, done: int, total: int) -> None:
        """A line with the time left, estimated from the finished cells, if no progress bar is shown."""
        if not self._console.is_terminal:
            self.say(f"{done:,} of {counted(total, 'cell')}: {cell}{self._left(done, total)}")

    def _left(self, done: int, total: int) -> str:
        if done == total:
            return ""
        seconds = (time.monotonic() - self._begun) * (total - done) / done
        return f"; about {duration(seconds)} left"

    def say(self, text: str, *, style: str = "") -> None:
        """A line to keep, above the bar."""
        self._console.print(Text(self._name + text, style=style), highlight=False)
