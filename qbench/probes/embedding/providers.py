"""Where embeddings come from: an encoder that runs on this machine, or files in which they are looked up by ID."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.images.ids import image_id
from qbench.models.interface import BeginsImages, Encoder, NamedEncoder
from qbench.probes.embedding.guard import EmbeddingGuard
from qbench.probes.interface import AnswerPart, Asking
from qbench.probes.providers import ModelProvider, PrecomputedProvider

IMAGES, TEXTS = "images", "texts"

Vectors = npt.NDArray[np.float32]


Rows = npt.NDArray[np.int64]


def answer_parts(
    asking: Asking, images: Callable[[Any, Rows], Vectors], texts: Callable[[Any, Rows], Vectors]
) -> tuple[AnswerPart, AnswerPart]:
    """The two arrays of embeddings: the images decide the one, the texts the other."""
    return (
        AnswerPart(name=IMAGES, parts={}, count=len(asking.items.images), compute=images, tower="image"),
        AnswerPart(
            name=TEXTS,
            parts={"texts": asking.questions.digest},
            count=len(asking.questions.content.texts),
            compute=texts,
            of_images=False,
            tower="text",
        ),
    )


class EncoderProvider(ModelProvider):
    """Embeddings computed by a `qbench.models.interface.Encoder`."""

    def answers(self, asking: Asking) -> Sequence[AnswerPart]:
        """Images and texts; a batch with what cannot be an embedding raises a `QuantizationError`."""
        image_guard, text_guard = EmbeddingGuard("image"), EmbeddingGuard("text")

        def images(model: object, rows: Rows) -> Vectors:
            encoder = _encoder(model)
            pixels = np.array(asking.pixels()[_places(rows)])
            return image_guard.checked(pixels, encoder.encode_images(pixels), rows)

        def begin(model: object, rows: Rows) -> Callable[[], Vectors]:
            if not isinstance(model, BeginsImages):
                return partial(images, model, rows)
            pixels = asking.pixels()[_places(rows)]
            begun = model.begin_images(pixels)
            return lambda: image_guard.checked(pixels, begun(), rows)

        def texts(model: object, rows: Rows) -> Vectors:
            encoder, every = _encoder(model), asking.questions.content.texts
            batch = [every[row] for row in rows]
            return text_guard.checked(np.array(batch, dtype=object), encoder.encode_texts(batch), rows)

        of_images, of_texts = answer_parts(asking, images, texts)
        return replace(of_images, begin=begin), of_texts

    def timed_work(self, asking: Asking) -> Mapping[str, Callable[[Any], object]]:
        """The first batch of images and of texts; repeated where there are fewer than a batch."""
        pixels, texts = asking.pixels(), asking.questions.content.texts
        images = np.array(pixels[np.arange(asking.batch_size) % len(pixels)])
        words = [texts[i % len(texts)] for i in range(asking.batch_size)]
        return {
            IMAGES: lambda encoder: encoder.encode_images(images),
            TEXTS: lambda encoder: encoder.encode_texts(words),
        }


class FileProvider(PrecomputedProvider):
    """Precomputed embeddings, looked up by a `qbench.models.interface.NamedEncoder`."""

    def answers(self, asking: Asking) -> Sequence[AnswerPart]:
        """Images by their ID, texts by their exact characters."""

        def find_images(encoder: object, rows: Rows) -> Vectors:
            ids = [image_id(asking.items.images[row]) for row in rows]
            return _checked(_named(encoder).find_images(asking.benchmark, ids), ids, "image", rows)

        def find_texts(encoder: object, rows: Rows) -> Vectors:
            texts = [asking.questions.content.texts[row] for row in rows]
            return _checked(_named(encoder).find_texts(asking.benchmark, texts), texts, "text", rows)

        return answer_parts(asking, find_images, find_texts)


def _places(rows: Rows) -> Rows | slice:
    """The same rows, as a slice where they follow one another: a slice of decoded images is read without a copy."""
    follow = len(rows) > 0 and bool((np.diff(rows) == 1).all())
    return slice(int(rows[0]), int(rows[-1]) + 1) if follow else rows


def _encoder(model: object) -> Encoder:
    if not isinstance(model, Encoder):
        raise TypeError(
            f"the records say that the model is asked for embeddings, but a {type(model).__name__} is not an Encoder"
        )
    return model


def _checked(found: Vectors, names: Sequence[str], what: str, rows: Rows) -> Vectors:
    return EmbeddingGuard(what).checked(np.array(names, dtype=object), found, rows)


def _named(encoder: object) -> NamedEncoder:
    if not isinstance(encoder, NamedEncoder):
        raise TypeError(
            f"the quantizer's record says that its embeddings are precomputed, but a {type(encoder).__name__} is not a "
            "NamedEncoder"
        )
    return encoder
