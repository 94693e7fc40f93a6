"""Answers computed batch by batch.

Order and batch size are part of the experiment (dynamic quantization scales activations over the whole batch), so they
are decided by the plan and never by what is convenient here. A last batch that is not full stays not full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import ModelError
from qbench.probes.interface import AnswerPart, Step


class TooLittleMemoryError(ModelError):
    """The device has too little memory for a batch."""


def answered(
    part: AnswerPart,
    encoder: Callable[[], object],
    order: npt.NDArray[np.int64],
    shards: Iterable[range],
    *,
    batch_size: int,
    step: Step,
) -> Iterator[tuple[range, npt.NDArray[Any]]]:
    """The answers to some stretches of an order, each as soon as it is complete.

    A batch is begun before the answers of the one before it are waited for, also where a new stretch begins: a device
    beside the processor then computes all the time.

    Parameters
    ----------
    part : AnswerPart
        What is answered.
    encoder : callable
        Gives who answers; called once for each stretch.
    order : numpy.ndarray
        ``(part.count,)`` int: the number of what is answered in each place (`qbench.probes.batch_order.positions`).
    shards : iterable of range
        The places of each stretch; none is empty, and each begins where a batch begins.
    batch_size : int
        How many are answered at a time.
    step : callable
        Called with the number of rows that were answered since the last call.

    Yields
    ------
    (range, numpy.ndarray)
        The places of a stretch, and ``(len(places), …)`` in their order. Where a later batch fails, the stretches that
        were complete before it are given first.

    Raises
    ------
    TypeError
        The probe gave another number of answers than it was asked for.
    TooLittleMemoryError
        The device has too little memory for a batch.
    """
    batches: list[npt.NDArray[Any]] = []
    with _memory_said(batch_size):
        for begun in _one_ahead(_begun(part, encoder, order, shards, batch_size)):
            answers = begun.answers()
            if len(answers) != len(begun.rows):
                raise TypeError(
                    f"the probe gave {len(answers)} answers of {part.name!r} for a batch of {len(begun.rows)}"
                )
            batches.append(answers)
            step(len(begun.rows))
            if begun.last:
                yield begun.shard, np.concatenate(batches)
                batches.clear()


@dataclass(frozen=True)
class _Begun:
    """A batch that is begun: its stretch, whether it is the last one of that, its rows, and what waits for answers."""

    shard: range
    last: bool
    rows: npt.NDArray[np.int64]
    answers: Callable[[], npt.NDArray[Any]]


def _begun(
    part: AnswerPart,
    encoder: Callable[[], object],
    order: npt.NDArray[np.int64],
    shards: Iterable[range],
    batch_size: int,
) -> Iterator[_Begun]:
    begin = part.begin or (lambda model, rows: partial(part.compute, model, rows))
    for shard in shards:
        assert len(shard), "a stretch without places"
        model = encoder()
        for start in range(shard.start, shard.stop, batch_size):
            end = min(start + batch_size, shard.stop)
            rows = order[start:end]
            yield _Begun(shard, end == shard.stop, rows, begin(model, rows))


def _one_ahead(things: Iterator[_Begun]) -> Iterator[_Begun]:
    """The same things; each is given after the next one was taken, or could not be taken."""
    before: _Begun | None = None
    failed: Exception | None = None
    while failed is None:
        now = None
        try:
            now = next(things, None)
        except Exception as error:  # noqa: BLE001 - raised below, after what was begun before it
            failed = error
        if before is not None:
            yield before
        if now is None:
            break
        before = now
    if failed is not None:
        raise failed


@contextmanager
def _memory_said(batch_size: int) -> Iterator[None]:
    """Say what to do where a device has too little memory for a batch.

    The batch is not made smaller here: its size is part of the experiment, and a variant can be compared only with a
    baseline that was asked in batches of the same size.
    """
    try:
        yield
    except Exception as error:
        if "OutOfMemoryError" not in (kind.__name__ for kind in type(error).__mro__):
            raise
        raise TooLittleMemoryError(
            f"the device has too little memory for a batch of {batch_size} ({str(error).partition('.')[0]})",
            fix=f"Set batch_size to less than {batch_size}. All variants of a run have one batch size, because some "
            "methods compute other numbers in other batches."
            if batch_size > 1
            else "Use a device with more memory.",
        ) from error
