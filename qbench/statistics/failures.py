"""What is said where a statistic, which may be the code of a plugin, raises an error of its own. Light."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from qbench.errors import QbenchError, StatisticError

FIX = (
    "If the files of the run folder were changed, run `qbench run` again; else report this to the author of the "
    "statistic or of the benchmark."
)


@contextmanager
def named_failure(statistic: str, task: str, where: str = "") -> Iterator[None]:
    """Name the statistic whose code is called, where that code fails.

    Parameters
    ----------
    statistic : str
        Its name.
    task : str
        What it is asked for, after "cannot".
    where : str
        What is judged.

    Raises
    ------
    qbench.errors.StatisticError
        In place of any error that is neither one of qbench's own nor one of the machine.

    Examples
    --------
    >>> with named_failure("mine", "give intervals"):  # doctest: +ELLIPSIS
    ...     1 / 0
    Traceback (most recent call last):
    ...
    qbench.errors.StatisticError: the statistic 'mine' cannot give intervals: ZeroDivisionError: division by zero
    If the files of the run folder were changed, ...
    """
    try:
        yield
    except (QbenchError, OSError, MemoryError):
        raise
    except Exception as error:
        what = f"the statistic {statistic!r} cannot {task}: {type(error).__name__}: {error}"
        raise StatisticError(what, where=where, fix=FIX) from error
