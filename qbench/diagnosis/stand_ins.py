"""The records of intermediate variants: another preprocessing, quantized weights alone, towers of two variants.

They exist in the registry of one diagnosis only. What decides an intermediate variant is in the options of its record,
so that answers in the cache are found by it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import InputError
from qbench.execution.option_files import option_digests
from qbench.execution.plan import PlannedModel, PlannedQuantizer
from qbench.images.preprocessing import Preprocessing
from qbench.models.effective_weights import weights_only
from qbench.models.heads import build_variant
from qbench.models.interface import Checkpoint, Context, Encoder, LoadedModel, Variant
from qbench.plugins.records import Located, ModelSource, Quantizer
from qbench.plugins.registry import Entry, Plugin, Registry
from qbench.store.cache import Cache
from qbench.store.keys import key_of

PLUGIN = Plugin(name="diagnosis", module="qbench.diagnosis", distribution="qbench-vlm", version=version("qbench-vlm"))
PREPROCESSED, WEIGHTS_ONLY, TOWERS = "with-another-preprocessing", "weights-only", "towers-of-two"


@dataclass(frozen=True, kw_only=True)
class Of:
    """What an intermediate variant is made of, as a digest."""

    of: str = ""


class Towers:
    """The image tower of one model and the text tower of another."""

    def __init__(self, images: Encoder, texts: Encoder) -> None:
        self.images, self.texts = images, texts

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed images with the first model."""
        return self.images.encode_images(pixels)

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts with the second model."""
        return self.texts.encode_texts(texts)

    def close(self) -> None:
        """Release both."""
        self.images.close()
        self.texts.close()


def registry_with(registry: Registry, models: Sequence[ModelSource], quantizers: Sequence[Quantizer]) -> Registry:
    """A registry that has further records; the given one stays as it is."""
    entries = {hook: list(known) for hook, known in registry.entries.items()}
    entries["qbench_models"] += [Entry(plugin=PLUGIN, record=record) for record in models]
    entries["qbench_quantizers"] += [Entry(plugin=PLUGIN, record=record) for record in quantizers]
    return replace(registry, plugins=[*registry.plugins, PLUGIN], entries=entries)


def preprocessed(model: PlannedModel, variants: dict[str, Preprocessing]) -> ModelSource:
    """A source that opens one checkpoint with other preprocessings, by the names in `variants`."""

    def open_(name: str, options: Any) -> Checkpoint:
        opened = copy.copy(model.entry.record.open(model.checkpoint, model.options))
        try:
            opened.preprocessing = variants[name]  # type: ignore[misc]
        except AttributeError:
            raise InputError(
                "the model source does not let a checkpoint have another preprocessing", where=model.label
            ) from None
        return opened

    return ModelSource(
        name=PREPROCESSED,
        summary="a checkpoint with another preprocessing",
        checkpoints=dict.fromkeys(variants, ""),
        requires=model.entry.record.requires,
        probes=model.entry.record.probes,
        locate=lambda name, options: Located(ready=True, where=model.label, how_to_get=""),
        open=open_,
    )


def weights_alone(quantizer: PlannedQuantizer, cache: Cache) -> tuple[Quantizer, Of]:
    """A quantizer that takes over the weights of another one, and computes in float32; and its options."""
    record = quantizer.entry.record

    def build(checkpoint: Checkpoint, context: Context, options: Of) -> Variant:
        return weights_only(checkpoint, context, build_variant(record.build, checkpoint, context, quantizer.options))

    def files(checkpoint: Checkpoint, options: Of) -> Iterable[Path]:
        return files_of(quantizer, checkpoint)

    made = replace(record, name=WEIGHTS_ONLY, summary="", build=build, options=Of, files=files, install="")
    return made, Of(of=digest_of(quantizer, cache))


def towers_of_two(
    images: PlannedQuantizer, texts: PlannedQuantizer, text_checkpoint: Callable[[], Checkpoint], cache: Cache
) -> tuple[Quantizer, Of]:
    """A quantizer that answers images as one variant and texts as another one, of another checkpoint; its options."""

    def build(checkpoint: Checkpoint, context: Context, options: Of) -> Variant:
        of_images = build_variant(images.entry.record.build, checkpoint, context, images.options)
        of_texts = build_variant(texts.entry.record.build, text_checkpoint(), context, texts.options)
        layers = (
            *(layer for layer in of_images.coverage.layers if layer.tower != "text"),
            *(layer for layer in of_texts.coverage.layers if layer.tower == "text"),
        )
        return replace(
            of_images,
            encoder=Towers(_encoder(of_images.encoder), _encoder(of_texts.encoder)),
            coverage=replace(of_images.coverage, layers=layers),
            save=None,
        )

    def files(checkpoint: Checkpoint, options: Of) -> Iterable[Path]:
        return [*files_of(images, checkpoint), *files_of(texts, text_checkpoint())]

    made = replace(texts.entry.record, name=TOWERS, summary="", build=build, options=Of, files=files, install="")
    parts = [digest_of(images, cache), digest_of(texts, cache), text_checkpoint().identity.fingerprint]
    return made, Of(of=key_of({"towers": parts}))


def files_of(quantizer: PlannedQuantizer, checkpoint: Checkpoint) -> Iterable[Path]:
    """The files that a quantizer's record names itself."""
    named = quantizer.entry.record.files
    return () if named is None else named(checkpoint, quantizer.options)


def digest_of(quantizer: PlannedQuantizer, cache: Cache) -> str:
    """What decides a quantizer: its record, with the version of its plugin, its options and their files."""
    plugin = quantizer.entry.plugin
    return key_of(
        {
            "quantizer": [quantizer.entry.qualified, plugin.distribution, plugin.version],
            "options": repr(quantizer.options),
            "files": option_digests(quantizer.options, cache),
        }
    )


def _encoder(model: LoadedModel) -> Encoder:
    if not isinstance(model, Encoder):
        raise InputError(f"{type(model).__name__} has no towers that can be told apart")
    return model
