"""One variant at work: built when something has to be embedded, never for what the cache already holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.data.store import pixel_store
from qbench.encode.embed import embed_pictures, embed_texts
from qbench.encode.interface import Context, Variant
from qbench.encode.order import DATASET, shuffle
from qbench.runner.keys import Parts, cell_parts, image_parts, text_parts, variant_parts
from qbench.runner.plan import PlannedQuantizer
from qbench.runner.prepare import PreparedBenchmark, PreparedModel
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache
from qbench.store.files import read_json, write_json
from qbench.store.keys import key_of

IMAGES, TEXTS, VARIANTS = "images", "texts", "variants"

Step = Callable[[int], None]


class VariantRun:
    """Embeddings of one model × quantizer, from the cache or computed now.

    Parameters
    ----------
    cache : Cache
        Where embeddings lie.
    model, quantizer
        What is run.
    spec : RunSpec
        Batch size, workers, and the number of other orders.
    """

    def __init__(self, cache: Cache, model: PreparedModel, quantizer: PlannedQuantizer, spec: RunSpec) -> None:
        self.model, self.quantizer = model, quantizer
        self.parts = variant_parts(model, quantizer)
        self.seconds: dict[str, float] = {}
        self.orders = (DATASET, *(shuffle(i + 1) for i in range(spec.noise)))
        self._cache, self._spec = cache, spec
        self._variant: Variant | None = None
        self._broken: Exception | None = None

    def cell_key(self, benchmark: PreparedBenchmark) -> str:
        """The key of the cell of this variant on a benchmark."""
        images, texts = self._image_parts(benchmark, DATASET), self._text_parts(benchmark, DATASET)
        return key_of(cell_parts(images, texts, benchmark, self._spec.noise))

    def stage(self, benchmark: PreparedBenchmark) -> str:
        """How far a benchmark has come: ``build``, ``encode`` or ``score``. For the record of a failure."""
        if self._variant is None and any(self.lacking(benchmark)):
            return "build"
        return "encode" if any(self.lacking(benchmark)) else "score"

    def lacking(self, benchmark: PreparedBenchmark) -> tuple[int, int]:
        """How many pictures and how many texts the cache lacks, over all orders."""
        images = sum(not self._has(IMAGES, self._image_parts(benchmark, order)) for order in self.orders)
        texts = sum(not self._has(TEXTS, self._text_parts(benchmark, order)) for order in self.orders)
        return images * len(benchmark.items.pictures), texts * len(benchmark.prompts.texts)

    def images(self, benchmark: PreparedBenchmark, order: str, step: Step) -> npt.NDArray[np.float32]:
        """``(pictures, d)`` float32, in the dataset's order, embedded in `order`."""

        def make() -> npt.NDArray[np.float32]:
            pixels = pixel_store(
                self._cache,
                benchmark.items.pictures,
                benchmark.pictures_key,
                self.model.checkpoint.preprocessing.geometry,
                workers=self._spec.workers,
            )
            encoder = self._built().encoder
            with self.timed("images", len(pixels)):
                return embed_pictures(encoder, pixels, batch_size=self._spec.batch_size, order=order, step=step)

        return self._cache.array(IMAGES, self._image_parts(benchmark, order), make)

    def image_key(self, benchmark: PreparedBenchmark) -> str:
        """The key of the image embeddings in the dataset's order."""
        return key_of(self._image_parts(benchmark, DATASET))

    def cached_images(self, benchmark: PreparedBenchmark) -> npt.NDArray[np.float32] | None:
        """What `images` gives in the dataset's order where the cache has it; nothing is embedded."""
        path = self._cache.path(IMAGES, self._image_parts(benchmark, DATASET), ".npy")
        return np.load(path, mmap_mode="r", allow_pickle=False) if path.exists() else None

    def texts(self, benchmark: PreparedBenchmark, order: str, step: Step) -> npt.NDArray[np.float32]:
        """``(texts, d)`` float32, in the benchmark's order, embedded in `order`."""

        def make() -> npt.NDArray[np.float32]:
            encoder = self._built().encoder
            with self.timed("texts", len(benchmark.prompts.texts)):
                texts, size = benchmark.prompts.texts, self._spec.batch_size
                return embed_texts(encoder, texts, batch_size=size, order=order, step=step)

        return self._cache.array(TEXTS, self._text_parts(benchmark, order), make)

    def facts(self) -> dict[str, Any]:
        """Coverage, dtype and matching control, JSON-able; kept in the cache beside the embeddings."""
        path = self._cache.path(VARIANTS, self.parts, ".json")
        if not path.exists():
            variant = self._built()
            control = {"name": variant.control, "note": variant.note}
            write_json(path, {"coverage": asdict(variant.coverage), "dtype": variant.dtype, "control": control})
        facts: dict[str, Any] = read_json(path)
        return facts

    def close(self) -> None:
        """Release the model, if it was loaded."""
        if self._variant is not None:
            self._variant.encoder.close()
            self._variant = None

    def _image_parts(self, benchmark: PreparedBenchmark, order: str) -> Parts:
        return image_parts(self.parts, self.model, benchmark, batch_size=self._spec.batch_size, order=order)

    def _text_parts(self, benchmark: PreparedBenchmark, order: str) -> Parts:
        return text_parts(self.parts, benchmark, batch_size=self._spec.batch_size, order=order)

    def _has(self, room: str, parts: Parts) -> bool:
        return self._cache.path(room, parts, ".npy").exists()

    def _built(self) -> Variant:
        if self._broken is not None:
            raise self._broken  # it would fail again for every benchmark
        if self._variant is None:
            record = self.quantizer.entry.record
            context = Context(device=self.quantizer.device)
            try:
                with self.timed("build"):
                    self._variant = record.build(self.model.checkpoint, context, self.quantizer.options)
            except Exception as error:
                self._broken = error
                raise
        return self._variant

    @contextmanager
    def timed(self, what: str, count: int = 0) -> Iterator[None]:
        """Add the seconds of a block; where it embeds `count` things, remember the speed for `qbench plan`."""
        begun = time.perf_counter()
        yield
        seconds = time.perf_counter() - begun
        self.seconds[what] = self.seconds.get(what, 0.0) + seconds
        if count:
            path = speeds_path(self._cache, self.parts)
            write_json(path, {**read_speeds(path), what: seconds / count})


def speeds_path(cache: Cache, variant: Parts) -> Path:
    """Where the speeds of a variant on this machine are remembered."""
    return cache.path("speeds", variant, ".json")


def read_speeds(path: Path) -> dict[str, float]:
    """Seconds a picture (``images``) and a text (``texts``), where they were measured."""
    try:
        speeds: dict[str, float] = read_json(path)
    except (FileNotFoundError, ValueError):
        return {}
    return speeds
