"""Embeddings of a whole dataset, in its order, as a run computes them batch by batch."""

from types import SimpleNamespace

import numpy as np

from qbench.probes.batch_order import DATASET, positions
from qbench.probes.batches import answered
from qbench.probes.embedding.providers import IMAGES, TEXTS, EncoderProvider


def asking_of(pixels=(), texts=()):
    """What a provider is asked for these images and texts."""
    return SimpleNamespace(
        items=SimpleNamespace(images=pixels),
        questions=SimpleNamespace(digest="", content=SimpleNamespace(texts=texts)),
        pixels=lambda: pixels,
    )


def embed_images(encoder, pixels, **how):
    return _embedded(encoder, IMAGES, asking_of(pixels=pixels), **how)


def embed_texts(encoder, texts, **how):
    return _embedded(encoder, TEXTS, asking_of(texts=texts), **how)


def _embedded(encoder, name, asking, *, batch_size, order=DATASET, step=lambda n: None):
    [part] = [part for part in EncoderProvider().answers(asking) if part.name == name]
    places = positions(order, part.count)
    given = answered(part, lambda: encoder, places, [range(part.count)], batch_size=batch_size, step=step)
    ((_, found),) = given
    return found[np.argsort(places)]
