"""One variant at work: built when something has to be embedded, never for what the cache already holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qbench.errors import InputError
from qbench.execution.keys import Parts, batch_parts, cell_parts, image_parts, text_parts, variant_parts
from qbench.execution.plan import PlannedQuantizer
from qbench.execution.prepare import PreparedBenchmark, PreparedModel
from qbench.images.ids import image_id
from qbench.images.pixel_store import pixel_store
from qbench.models.interface import Context, NamedEncoder, Variant
from qbench.probes.batch_order import DATASET, shuffle
from qbench.probes.embedding.encode import embed_images, embed_texts
from qbench.runfolder.schema import BatchInfo, ControlInfo, VariantFacts
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache
from qbench.store.files import read_json_object, write_json
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
        self.parts = variant_parts(model, quantizer, cache)
        self.elsewhere = quantizer.entry.record.embeddings is not None
        self.seconds: dict[str, float] = {}
        # What was embedded elsewhere cannot be embedded again in other orders: its noise is not known, and not zero.
        self.orders = (DATASET, *(shuffle(i + 1) for i in range(0 if self.elsewhere else spec.noise)))
        self._cache, self._spec = cache, spec
        self._variant: Variant | None = None
        self._broken: Exception | None = None

    def cell_key(self, benchmark: PreparedBenchmark) -> str:
        """The key of the cell of this variant on a benchmark."""
        images, texts = self._image_parts(benchmark, DATASET), self._text_parts(benchmark, DATASET)
        return key_of(cell_parts(images, texts, benchmark, len(self.orders) - 1))

    @property
    def batch(self) -> BatchInfo | None:
        """Size and order of the batches, and how many other orders; `None` where they are not known."""
        if batch_parts(self.quantizer, batch_size=self._spec.batch_size, order=DATASET) is None:
            return None
        return BatchInfo(size=self._spec.batch_size, order=DATASET, other_orders=len(self.orders) - 1)

    def stage(self, benchmark: PreparedBenchmark) -> str:
        """How far a benchmark has come: ``build``, ``encode`` or ``score``. For the record of a failure."""
        if self._variant is None and any(self.lacking(benchmark)):
            return "build"
        return "encode" if any(self.lacking(benchmark)) else "score"

    def lacking(self, benchmark: PreparedBenchmark) -> tuple[int, int]:
        """How many images and how many texts the cache lacks, over all orders."""
        images = sum(not self._has(IMAGES, self._image_parts(benchmark, order)) for order in self.orders)
        texts = sum(not self._has(TEXTS, self._text_parts(benchmark, order)) for order in self.orders)
        return images * len(benchmark.items.images), texts * len(benchmark.prompts.texts)

    def images(self, benchmark: PreparedBenchmark, order: str, step: Step) -> npt.NDArray[np.float32]:
        """``(images, d)`` float32, in the dataset's order, embedded in `order`."""

        def make() -> npt.NDArray[np.float32]:
            if self.elsewhere:
                ids = [image_id(image) for image in benchmark.items.images]
                found = self._named().find_images(benchmark.planned.label, ids)
                step(len(ids))
                return found
            pixels = pixel_store(
                self._cache,
                benchmark.items.images,
                benchmark.images_key,
                self.model.checkpoint.preprocessing.geometry,
                workers=self._spec.workers,
            )
            encoder = self._built().encoder
            with self.timed("images", len(pixels)):
                return embed_images(encoder, pixels, batch_size=self._spec.batch_size, order=order, step=step)

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
            texts, size = benchmark.prompts.texts, self._spec.batch_size
            if self.elsewhere:
                found = self._named().find_texts(benchmark.planned.label, texts)
                step(len(texts))
                return found
            encoder = self._built().encoder
            with self.timed("texts", len(texts)):
                return embed_texts(encoder, texts, batch_size=size, order=order, step=step)

        return self._cache.array(TEXTS, self._text_parts(benchmark, order), make)

    def facts(self) -> VariantFacts:
        """What is known of the variant itself; kept in the cache beside the embeddings."""
        path = self._cache.path(VARIANTS, self.parts, ".json")
        if not path.exists():
            variant = self._built()
            facts = VariantFacts(
                coverage=variant.coverage,
                dtype=variant.dtype,
                control=ControlInfo(name=variant.control, note=variant.note),
                kind=variant.kind,
                numerics=variant.numerics,
            )
            write_json(path, facts.model_dump(mode="json"))
        return VariantFacts.model_validate_json(path.read_bytes())

    def close(self) -> None:
        """Release the model, if it was loaded."""
        if self._variant is not None:
            self._variant.encoder.close()
            self._variant = None

    def _image_parts(self, benchmark: PreparedBenchmark, order: str) -> Parts:
        batch = batch_parts(self.quantizer, batch_size=self._spec.batch_size, order=order)
        return image_parts(self.parts, self.model, benchmark, batch)

    def _text_parts(self, benchmark: PreparedBenchmark, order: str) -> Parts:
        batch = batch_parts(self.quantizer, batch_size=self._spec.batch_size, order=order)
        return text_parts(self.parts, benchmark, batch)

    def _has(self, room: str, parts: Parts) -> bool:
        return self._cache.path(room, parts, ".npy").exists()

    def _named(self) -> NamedEncoder:
        encoder = self._built().encoder
        if not isinstance(encoder, NamedEncoder):
            raise TypeError(f"{self.quantizer.entry.qualified} names embeddings, but its encoder is no NamedEncoder")
        return encoder

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
    """Seconds an image (``images``) and a text (``texts``), where they were measured."""
    try:
        speeds: dict[str, float] = read_json_object(path)
    except InputError:
        return {}
    return speeds
