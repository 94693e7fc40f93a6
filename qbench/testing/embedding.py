"""Compares embeddings, and checks that an encoder returns them in the form that is required."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from qbench.execution.plan import default_probe, plan_benchmark
from qbench.images.ids import image_id
from qbench.metrics.interface import Task
from qbench.models.interface import Encoder, LoadedModel, NamedEncoder
from qbench.plugins.records import Quantizer
from qbench.plugins.registry import Registry, installed
from qbench.probes.choices.interface import Chooser, Question
from qbench.probes.interface import Provider
from qbench.probes.pairs.interface import Matcher
from qbench.spec.model import BenchmarkSpec
from qbench.testing import tiny

Floats = npt.NDArray[np.float32]


def embed(
    model: LoadedModel, pixels: npt.NDArray[np.uint8], texts: Sequence[str] = tiny.TEXTS
) -> tuple[Floats, Floats]:
    """Embed images and texts, and check the results.

    Parameters
    ----------
    model : LoadedModel
        The encoder.
    pixels : numpy.ndarray
        ``(n, height, width, 3)`` uint8.
    texts : sequence of str
        The texts.

    Returns
    -------
    tuple of numpy.ndarray
        The embeddings of the images ``(n, d)`` and of the texts ``(len(texts), d)``, float32.

    Raises
    ------
    AssertionError
        The model is not an encoder, or its embeddings are not ``(b, d)`` float32, are not finite, or differ in width.
    """
    encoder = encoder_of(model, pixels)
    images, words = encoder.encode_images(np.array(pixels)), encoder.encode_texts(list(texts))
    return checked(images, words, (len(pixels), len(texts)))


def find(encoder: NamedEncoder, images: Path) -> tuple[Floats, Floats]:
    """The precomputed embeddings of the tiny benchmark, with the checks of `embed`."""
    planned = plan_benchmark(BenchmarkSpec.model_validate(tiny.benchmark(images)), installed())
    task = cast(Task, planned.entry.record.load(planned.options))
    items = task.data(images)
    ids = [image_id(image) for image in items.images]
    texts = task.prompts(items).texts
    found = encoder.find_images(planned.label, ids), encoder.find_texts(planned.label, texts)
    return checked(*found, (len(ids), len(texts)))


def provider_of(record: Quantizer, registry: Registry) -> Provider:
    """Where the answers of a quantizer's variants come from: by the first probe that it names, else the default one."""
    probe = registry.probe(record.probes[0]) if record.probes else default_probe(registry)
    return probe.record.load().provider(record.provider)


def checked(images: Floats, words: Floats, counts: tuple[int, int]) -> tuple[Floats, Floats]:
    """Check embeddings of images and texts, and return them; raises as `embed` does."""
    for what, found, count in (("image", images, counts[0]), ("text", words, counts[1])):
        assert isinstance(found, np.ndarray), f"{what} embeddings are a {type(found).__name__}, not a numpy array"
        assert found.dtype == np.float32, f"{what} embeddings are {found.dtype}, not float32"
        assert found.ndim == 2, f"{what} embeddings have the shape {found.shape}, not (b, d)"
        assert len(found) == count, f"{len(found)} {what} embeddings for {count}"
        assert np.isfinite(found).all(), f"{what} embeddings are not finite"
        assert np.linalg.norm(found, axis=1).min() > 0, f"a {what} embedding is zero"
    assert images.shape[1] == words.shape[1], f"widths differ: images {images.shape[1]}, texts {words.shape[1]}"
    return images, words


def encoder_of(model: LoadedModel, pixels: npt.NDArray[np.uint8] | None = None) -> Encoder:
    """The model as an encoder, a `Chooser` or `Matcher` by what it answers about `pixels`; fails if it is neither."""
    if isinstance(model, AnswersAsEmbeddings):
        return AnswersAsEmbeddings(model.chooser, pixels)
    if isinstance(model, ScoresAsEmbeddings):
        return ScoresAsEmbeddings(model.matcher, pixels)
    if isinstance(model, Chooser):
        return AnswersAsEmbeddings(model, pixels)
    if isinstance(model, Matcher):
        return ScoresAsEmbeddings(model, pixels)
    assert isinstance(model, Encoder), f"{type(model).__name__} is not an Encoder, a Chooser or a Matcher"
    return model


class AnswersAsEmbeddings:
    """An encoder whose embeddings are the log-likelihoods of answers, so that both are held to the same checks.

    The embedding of an image consists of the answers to a question about it; that of a text, of the answers to a
    question in which it is, about the first of `pixels`.
    """

    answers = ("a cat", "dog", "something else")

    def __init__(self, chooser: Chooser, pixels: npt.NDArray[np.uint8] | None) -> None:
        self.chooser, self._pixels = chooser, pixels

    @property
    def module(self) -> Any:
        """The model itself, where it is torch."""
        return getattr(self.chooser, "module", None)

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Floats:
        """``(b, answers)``."""
        return self._answered(pixels, np.arange(len(pixels)), ["What is it?"] * len(pixels))

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """``(b, answers)``."""
        assert self._pixels is not None, "there is no image that a text could be asked about"
        image_of = np.zeros(len(texts), dtype=np.int64)
        return self._answered(np.array(self._pixels[:1]), image_of, [f"Is it {text}?" for text in texts])

    def _answered(
        self, pixels: npt.NDArray[np.uint8], image_of: npt.NDArray[np.int64], questions: Sequence[str]
    ) -> Floats:
        asked = [Question(text=text, answers=self.answers) for text in questions]
        return np.stack([answers[:, 0] for answers in self.chooser.score_answers(pixels, image_of, asked)])

    def close(self) -> None:
        """Release the memory."""
        self.chooser.close()


class ScoresAsEmbeddings:
    """An encoder whose embeddings are the scores of pairs, so that both are held to the same checks.

    The embedding of an image consists of its scores with some texts; that of a text, of its scores with the first two
    of `pixels`, and once more with the first one, so that the widths are the same.
    """

    texts = ("a cat", "dog", "something else")

    def __init__(self, matcher: Matcher, pixels: npt.NDArray[np.uint8] | None) -> None:
        self.matcher, self._pixels = matcher, pixels

    @property
    def module(self) -> Any:
        """The model itself, where it is torch."""
        return getattr(self.matcher, "module", None)

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Floats:
        """``(b, texts)``."""
        width = len(self.texts)
        image_of = np.repeat(np.arange(len(pixels)), width)
        return self.matcher.score_pairs(pixels, image_of, list(self.texts) * len(pixels)).reshape(-1, width)

    def encode_texts(self, texts: Sequence[str]) -> Floats:
        """``(b, texts)``."""
        assert self._pixels is not None, "there is no image to compare the text with"
        images = np.array(self._pixels[[0, 1, 0]])
        image_of = np.tile(np.arange(len(images)), len(texts))
        words = [text for text in texts for _ in images]
        return self.matcher.score_pairs(images, image_of, words).reshape(-1, len(images))

    def close(self) -> None:
        """Release the memory."""
        self.matcher.close()


def alone(
    model: LoadedModel, pixels: npt.NDArray[np.uint8], texts: Sequence[str] = tiny.TEXTS
) -> tuple[Floats, Floats]:
    """The embeddings of images and texts that are encoded one by one."""
    encoder = encoder_of(model, pixels)
    images = [encoder.encode_images(np.array(pixels[i : i + 1])) for i in range(len(pixels))]
    return np.concatenate(images), np.concatenate([encoder.encode_texts([text]) for text in texts])


def distance(a: Floats, b: Floats) -> float:
    """The largest relative distance ‖a − b‖ / ‖a‖ of two rows."""
    return float((np.linalg.norm(a - b, axis=1) / np.linalg.norm(a, axis=1)).max())


def module_of(encoder: Any) -> Any:
    """The torch model of an encoder; skips the test if there is none, because then only embeddings can be compared."""
    model = getattr(encoder, "module", None)
    if model is None:
        pytest.skip(f"{type(encoder).__name__} holds no torch model to look into")
    return model
