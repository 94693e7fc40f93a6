"""Where embeddings come from: an encoder that runs on this machine, or files in which they are looked up by ID."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.images.ids import image_id
from qbench.models.interface import Encoder, NamedEncoder
from qbench.probes.embedding.encode import embed_images, embed_texts
from qbench.probes.embedding.guard import EmbeddingGuard
from qbench.probes.interface import AnswerPart, Asking, Step
from qbench.probes.providers import ModelProvider, PrecomputedProvider

IMAGES, TEXTS = "images", "texts"

Vectors = npt.NDArray[np.float32]


def answer_parts(
    asking: Asking, images: Callable[[Any, Step], Vectors], texts: Callable[[Any, Step], Vectors]
) -> tuple[AnswerPart, AnswerPart]:
    """The two arrays of embeddings: the images decide the one, the texts the other."""
    return (
        AnswerPart(name=IMAGES, parts={}, count=len(asking.items.images), compute=images),
        AnswerPart(
            name=TEXTS,
            parts={"texts": asking.questions.digest},
            count=len(asking.questions.content.texts),
            compute=texts,
            of_images=False,
        ),
    )


class EncoderProvider(ModelProvider):
    """Embeddings computed by a `qbench.models.interface.Encoder`."""

    def answers(self, asking: Asking) -> Sequence[AnswerPart]:
        """Images and texts, each in batches of the planned size and order."""
        how: dict[str, Any] = {"batch_size": asking.batch_size, "order": asking.order}

        def images(model: object, step: Step) -> Vectors:
            return embed_images(_encoder(model), asking.pixels(), step=step, **how)

        def texts(model: object, step: Step) -> Vectors:
            return embed_texts(_encoder(model), asking.questions.content.texts, step=step, **how)

        return answer_parts(asking, images, texts)

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

        def find_images(encoder: object, step: Step) -> Vectors:
            ids = [image_id(image) for image in asking.items.images]
            found = _named(encoder).find_images(asking.benchmark, ids)
            return _checked(found, ids, "image", step)

        def find_texts(encoder: object, step: Step) -> Vectors:
            texts = asking.questions.content.texts
            found = _named(encoder).find_texts(asking.benchmark, texts)
            return _checked(found, texts, "text", step)

        return answer_parts(asking, find_images, find_texts)


def _encoder(model: object) -> Encoder:
    if not isinstance(model, Encoder):
        raise TypeError(
            f"the records say that the model is asked for embeddings, but a {type(model).__name__} is not an Encoder"
        )
    return model


def _checked(found: Vectors, names: Sequence[str], what: str, step: Step) -> Vectors:
    EmbeddingGuard(what).check(np.array(names, dtype=object), found, np.arange(len(names)))
    step(len(names))
    return found


def _named(encoder: object) -> NamedEncoder:
    if not isinstance(encoder, NamedEncoder):
        raise TypeError(
            f"the quantizer's record says that its embeddings are precomputed, but a {type(encoder).__name__} is not a "
            "NamedEncoder"
        )
    return encoder
