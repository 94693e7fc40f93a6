"""Answers computed batch by batch.

Order and batch size are part of the experiment (dynamic quantization scales activations over the whole batch), so they
are decided by the plan and never by what is convenient here. A last batch that is not full stays not full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.probes.interface import AnswerPart, Step


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
    """
    batches = []
    for start in range(places.start, places.stop, batch_size):
        rows = order[start : min(start + batch_size, places.stop)]
        answers = part.compute(encoder, rows)
        if len(answers) != len(rows):
            raise TypeError(f"the probe gave {len(answers)} answers of {part.name!r} for a batch of {len(rows)}")
        batches.append(answers)
        step(len(rows))
    return np.concatenate(batches)
