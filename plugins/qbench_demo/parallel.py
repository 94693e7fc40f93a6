"""Calls of a function in several processes.

The processes are started as programs of their own rather than by `multiprocessing`: a forked copy of a process with
threads may hang, and a spawned one would execute the user's script again.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

from qbench.api import DataError

T = TypeVar("T")

_PROGRAM = "import sys; sys.path[:] = {path!r}; from qbench_demo.parallel import answer; answer()"


def call_all(function: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> list[T]:
    """Return what a function of a module returns for each of several tuples of arguments, in their order.

    The calls are divided among as many processes as there are processor cores; one call is made in this process.

    Raises
    ------
    OSError
        What the function raises in the first process in which it raises one.
    DataError
        A process has ended without a result: for another error, which it has printed, or from outside.
    """
    count = min(_cores(), len(calls))
    if count < 2:
        return [function(*arguments) for arguments in calls]
    results: dict[int, T] = {}
    with ExitStack() as stack:
        shares = [range(start, len(calls), count) for start in range(count)]
        processes = [
            stack.enter_context(_started(pickle.dumps((function, [calls[k] for k in share])))) for share in shares
        ]
        for share, process in zip(shares, processes, strict=True):
            results.update(zip(share, _results(process), strict=True))
    return [results[k] for k in range(len(calls))]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _started(question: bytes) -> Iterator[subprocess.Popen[bytes]]:
    """A process that answers a question; it has ended when the block does, however it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM.format(path=sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,  # Ctrl-C is for the process that started it, which then ends it
    )
    with process:
        try:
            assert process.stdin is not None
            with suppress(BrokenPipeError):  # it has ended already, which is noticed where its results are read
                process.stdin.write(question)
                process.stdin.flush()
            yield process
        finally:
            process.kill()


def _results(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout is not None
    try:
        results = pickle.loads(process.stdout.read())
    except EOFError:
        raise DataError(
            f"a process that draws the demo's images has ended (exit code {process.wait()})",
            fix="Look at what is printed above, and whether the machine has enough memory; then run again.",
        ) from None
    if isinstance(results, OSError):
        raise results
    return results


def answer() -> None:
    """Make the calls that come on the standard input, in a process that `call_all` has started."""
    function, calls = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_the_other_process, daemon=True).start()
    results: Any
    try:
        results = [function(*arguments) for arguments in calls]
    except OSError as error:  # of the machine, such as a full disk
        results = error
    sys.stdout.buffer.write(pickle.dumps(results))


def _end_with_the_other_process() -> None:
    """End when the standard input is closed: nobody waits for the results of a process that was killed."""
    os.read(0, 1)
    os._exit(1)
