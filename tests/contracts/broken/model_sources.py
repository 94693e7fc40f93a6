"""Model sources: the tiny CLIP, opened by the real source; and what can be wrong with one."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from pathlib import Path

from broken.caught import CAUGHT
from qbench.api import Located, ModelSource


@dataclass(frozen=True, kw_only=True)
class PathOptions:
    """Where the folder is."""

    path: str = ""


def opened(checkpoint, options):
    from qbench.plugins.registry import installed

    record = installed().model("clip").record
    return record.open(checkpoint, record.options(path=options.path))


def located(checkpoint, options):
    return Located(ready=True, where=options.path)


def opened_with(change):
    def open_(checkpoint, options):
        found = opened(checkpoint, options)
        change(found)
        return found

    return open_


COUNTER = itertools.count()


def same_fingerprint(found):
    found.identity = replace(found.identity, fingerprint="0" * 64)


def new_identity(found):
    found.identity = replace(found.identity, revision=str(next(COUNTER)))


def loading(change):
    """Change what every load gives."""

    def apply(found):
        inner = found.load
        found.load = lambda **how: change(inner, **how)

    return apply


def always_float32(inner, *, device, dtype, quantization_config=None):
    return inner(device=device, dtype="float32")


def loads_what_it_rules_out(found):
    """Float32 only, it says, and loads float16 too."""
    found.dtypes = ("float32",)


def shared(found):
    """One encoder for every load."""
    found.load = functools.lru_cache(found.load)


def without_deviation(found):
    found.preprocessing = replace(found.preprocessing, std=(1.0, 0.0, 1.0))


def shows_zeros(found):
    inner = found.weight
    found.weight = lambda name: None if (weight := inner(name)) is None else weight * 0


def crashes(checkpoint, options):
    """A KeyError of its own where it finds nothing."""
    if not Path(options.path).is_dir():
        raise KeyError(options.path)
    return opened(checkpoint, options)


def noisy(inner, **how):
    """Each load draws its own noise."""
    encoder, noise = inner(**how), next(COUNTER)
    images = encoder.encode_images
    encoder.encode_images = lambda pixels: images(pixels) + noise
    return encoder


def centred(inner, **how):
    """Embeddings less the mean of their batch."""
    encoder = inner(**how)
    images = encoder.encode_images
    encoder.encode_images = lambda pixels: (found := images(pixels)) - 0.5 * found.mean(0, keepdims=True)
    return encoder


def blind(inner, **how):
    """Every text is the same to it."""
    encoder = inner(**how)
    texts = encoder.encode_texts
    encoder.encode_texts = lambda words: texts(["a"] * len(words))
    return encoder


def in_float64(inner, **how):
    encoder = inner(**how)
    images = encoder.encode_images
    encoder.encode_images = lambda pixels: images(pixels).astype("float64")
    return encoder


def asks_the_network(checkpoint, options):
    import socket

    socket.getaddrinfo("localhost", 80)
    return located(checkpoint, options)


def source(name, caught="", said="", **changes):
    CAUGHT[name] = caught, said
    values = {"summary": "broken", "locate": located, "open": opened, "options": PathOptions, "requires": ("torch",)}
    return ModelSource(**{"name": name, **values, **changes})


def source_with(name, caught, said, change):
    return source(name, caught, said, open=opened_with(change))


SOURCES = [
    source("good-source"),
    source("s-requires", "test_the_record_says_what_a_user_chooses_by", "requires is empty", requires=()),
    source("s-network", "test_locating_asks_no_network", "opens a connection", locate=asks_the_network),
    source_with("s-fixed", "test_the_fingerprint_follows_every_file", "does not cover config.json", same_fingerprint),
    source_with("s-identity", "test_the_identity_names_the_weights", "the identity differs", new_identity),
    source_with("s-grey", "test_preprocessing_is_plain_data", "not above zero", without_deviation),
    source_with("s-dtype", "test_device_and_dtype_are_honoured", "float16 was asked for", loading(always_float32)),
    source_with("s-types", "test_device_and_dtype_are_honoured", "DID NOT RAISE", loads_what_it_rules_out),
    source_with("s-shared", "test_two_encoders_share_no_weights", "share their weights", shared),
    source_with("s-batch", "test_an_embedding_does_not_depend_on_its_batch", "image embeddings", loading(centred)),
    source_with("s-blind", "test_different_inputs_embed_differently", "every text has the same", loading(blind)),
    source_with("s-wide", "test_embeddings_are_finite_and_float32", "are float64", loading(in_float64)),
    source_with("s-noisy", "test_the_same_comes_out_each_time", "embed differently", loading(noisy)),
    source_with("s-shows", "test_it_shows_its_layers_without_being_loaded", "weight differs", shows_zeros),
    source("s-crash", "test_what_is_not_there_is_said_in_words", "", open=crashes),
]
