"""Where scores of pairs come from: a model that runs on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import QuantizationError
from qbench.probes.constant import ConstantAnswers
from qbench.probes.interface import AnswerPart, Asking
from qbench.probes.pairs.interface import NO_TEXT, Matcher, Pairs
from qbench.probes.pairs.scores import ABSENT, texts_of
from qbench.probes.providers import ModelProvider

PAIRS = "pairs"
"""The name of the array of answers."""

Floats32 = npt.NDArray[np.float32]


class MatcherProvider(ModelProvider):
    """Scores computed by a `qbench.probes.pairs.interface.Matcher`."""

    def answers(self, asking: Asking) -> Sequence[AnswerPart]:
        """One array, ``(images, k)`` float32: the scores of the candidates of each image.

        A batch with scores that are not finite raises a `QuantizationError`, as does one by which it is seen that all
        texts have the same scores for all images so far, which differ.
        """
        constant = ConstantAnswers()

        def compute(model: object, rows: npt.NDArray[np.int64]) -> Floats32:
            scores = _scored(_matcher(model), asking, rows)
            every_text = asking.questions.content.candidates is None
            if every_text and constant.seen(np.array(asking.pixels()[rows]), scores):
                raise QuantizationError(
                    "different images have the same scores with all texts, so the model does not see what is in them",
                    fix="The files of the checkpoint may not belong together, or the quantization has failed: check "
                    "the processor and the configuration, and try another dtype.",
                )
            return scores

        parts = {"questions": asking.questions.digest}
        return [AnswerPart(name=PAIRS, parts=parts, count=len(asking.items.images), compute=compute)]

    def timed_work(self, asking: Asking) -> Mapping[str, Callable[[Any], object]]:
        """The pairs of the first batch of images; repeated where there are fewer than a batch."""
        rows = np.arange(asking.batch_size) % len(asking.items.images)
        return {PAIRS: lambda model: _scored(_matcher(model), asking, rows)}


def _scored(model: Matcher, asking: Asking, rows: npt.NDArray[np.int64]) -> Floats32:
    """The scores of all pairs of one batch of images."""
    pairs: Pairs = asking.questions.content
    texts = texts_of(pairs, rows)
    image, place = np.nonzero(texts != NO_TEXT)
    words = [pairs.prompts.texts[number] for number in texts[image, place]]
    found = model.score_pairs(np.array(asking.pixels()[rows]), image, words)
    if found.shape != (len(words),):
        raise TypeError(f"the model gave an array of shape {found.shape} for {len(words)} pairs")
    if wrong := int((~np.isfinite(found)).sum()):
        raise QuantizationError(
            f"{wrong} of {len(found)} scores of images and texts are not finite",
            fix="The variant overflows: try another compute dtype.",
        )
    filled = np.full(texts.shape, ABSENT, dtype=np.float32)
    filled[image, place] = found
    return filled


def _matcher(model: object) -> Matcher:
    if not isinstance(model, Matcher):
        raise TypeError(
            f"the records say that the model is asked about pairs, but a {type(model).__name__} is not a Matcher"
        )
    return model
