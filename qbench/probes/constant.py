"""Notices a model that does not see what it is asked about: different inputs, and always the same answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SAME = 1e-5
"""Relative distance up to which two answers are one. Equal inputs in different places of a batch differ by rounding
in float32, about 1e-6; a choice of ours above that and far below what tells any two inputs of a trained model apart."""


class ConstantAnswers:
    """Remembers whether all inputs so far, which differ, had one and the same answer."""

    def __init__(self) -> None:
        self._first: tuple[Any, npt.NDArray[np.float64]] | None = None
        self._differ = False

    def seen(self, inputs: npt.NDArray[Any], answers: npt.NDArray[np.float32]) -> bool:
        """Whether there were different inputs by now, and all had the same answer.

        Parameters
        ----------
        inputs : numpy.ndarray
            ``(b, …)``: what was asked about, in one batch.
        answers : numpy.ndarray
            ``(b, d)``, finite.
        """
        if self._differ or not len(answers):
            return False
        if self._first is None:
            self._first = inputs[0], answers[0].astype(np.float64)
        first_input, first = self._first
        distances = np.linalg.norm(answers - first, axis=1)
        self._differ = bool((distances > SAME * np.linalg.norm(first)).any())
        return not self._differ and bool(np.any(inputs != first_input))
