"""Answers computed batch by batch.

Order and batch size are part of the experiment (dynamic quantization scales activations over the whole batch), so they
are decided by the plan and never by what is convenient here. A last batch that is not full stays not full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import ModelError
from qbench.probes.interface import AnswerPart, Step


class TooLittleMemoryError(ModelError):
    """The device has too little memory for a batch."""


def answered(
    part: AnswerPart, encoder: object, order: npt.NDArray[np.int64], places: range, *, batch_size: int, step: Step
) -> npt.NDArray[Any]:
    """The answers to some places of an order.

    Parameters
    ----------
    part : AnswerPart
        What is answered.
    encoder : object
        Who answers.
    order : numpy.ndarray
        ``(part.count,)`` int: the number of what is answered in each place (`qbench.probes.batch_order.positions`).
    places : range
        The places; they begin where a batch begins.
    batch_size : int
        How many are answered at a time.
    step : callable
        Called with the number of rows that were answered since the last call.

    Returns
    -------
    numpy.ndarray
        ``(len(places), …)``, in the order of the places.

    Raises
    ------
    TypeError
        The probe gave another number of answers than it was asked for.
    TooLittleMemoryError
        The device has too little memory for a batch.
    """
    batches: list[npt.NDArray[Any]] = []
    begin = part.begin or (lambda encoder, rows: partial(part.compute, encoder, rows))
    before: tuple[npt.NDArray[np.int64], Callable[[], npt.NDArray[Any]]] | None = None

    def end(rows: npt.NDArray[np.int64], answers_of: Callable[[], npt.NDArray[Any]]) -> None:
        answers = answers_of()
        if len(answers) != len(rows):
            raise TypeError(f"the probe gave {len(answers)} answers of {part.name!r} for a batch of {len(rows)}")
        batches.append(answers)
        step(len(rows))

    with _memory_said(batch_size):
        for start in range(places.start, places.stop, batch_size):
            rows = order[start : min(start + batch_size, places.stop)]
            begun = begin(encoder, rows)
            if before is not None:
                end(*before)
            before = rows, begun
        if before is not None:
            end(*before)
    return np.concatenate(batches)


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
