"""The calibration data as the towers of an encoder get them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.api import Checkpoint, Context, InputError
from qbench_onnx.options import Towers
from qbench_onnx.towers import Tower, captured

CALIBRATED_AT_ONCE = 16
"""Calibration images (or texts) per batch. The methods that count activations merge what they count batch by batch."""


def batches_of(
    encoder: Any, checkpoint: Checkpoint, context: Context, towers: Towers
) -> dict[Tower, list[Callable[[], npt.NDArray[Any]]]]:
    """By tower: functions that make one batch of its inputs each, when it is asked for.

    Parameters
    ----------
    encoder : Encoder
        The checkpoint, loaded with its torch model.
    checkpoint : Checkpoint
        The same checkpoint.
    context : Context
        Has the calibration data.
    towers : {"both", "image", "text"}
        The towers that are to be calibrated.

    Raises
    ------
    InputError
        There are no calibration data, or they have no texts and the text tower is to be calibrated.
    """
    if context.calibration is None:
        raise InputError("the method measures activations, and there is no calibration data")
    pixels, texts = context.calibration.pixels(checkpoint.preprocessing.geometry), list(context.calibration.texts)
    if towers != "image" and not texts:
        raise InputError(
            "the calibration data has no texts, so the ranges of the text tower cannot be measured",
            where="calibration",
            fix="Name a file with texts = …, or set towers = 'image'.",
        )

    def images(start: int) -> npt.NDArray[Any]:
        chosen = np.array(pixels[start : start + CALIBRATED_AT_ONCE])  # of the cache, where it cannot be written
        return captured(encoder, lambda e: e.encode_images(chosen))

    def words(start: int) -> npt.NDArray[Any]:
        chosen = texts[start : start + CALIBRATED_AT_ONCE]
        return captured(encoder, lambda e: e.encode_texts(chosen))

    return {
        "image": [partial(images, start) for start in range(0, len(pixels), CALIBRATED_AT_ONCE)],
        "text": [partial(words, start) for start in range(0, len(texts), CALIBRATED_AT_ONCE)],
    }
