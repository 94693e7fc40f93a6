"""A variant that is asked about a benchmark through a probe: its answers, cached or computed now, and their scores."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import cache as remembered
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.errors import DataError
from qbench.execution.keys import cell_parts, origin
from qbench.execution.prepare import PreparedBenchmark
from qbench.execution.variant import VariantRun, known_speeds, remember_speed
from qbench.executors.work_units import WHOLE, Share
from qbench.images.decoder import Decoder
from qbench.images.pixel_store import store_parts
from qbench.images.pixels import Pixels
from qbench.metrics.interface import TIED, Metrics, Outcome
from qbench.plugins.records import Probe
from qbench.plugins.registry import Entry
from qbench.probes.batch_order import DATASET, positions, shuffle
from qbench.probes.batches import answered
from qbench.probes.interface import AnswerPart, Answers, Asking, Parts, Step
from qbench.runfolder.schema import BatchInfo, VariantFacts
from qbench.spec.model import RunSpec
from qbench.store.arrays import rows_per_shard
from qbench.store.cache import Cache
from qbench.store.filling import Filling
from qbench.store.keys import key_of
from qbench.store.memos import Memo

KEEP_EVERY = 2.0
"""Seconds of computed answers that a kill may cost, if they are more than a shard. Before answers are kept, the files
of the checkpoint are looked at, which takes some hundredths of a second: on a GPU as long as computing a shard."""


class AskedVariant:
    """One variant × benchmark, which share a probe.

    Parameters
    ----------
    cache : Cache
        Where answers and decoded images are kept.
    variant : VariantRun
        Who is asked.
    benchmark : PreparedBenchmark
        What about.
    probe : Entry of Probe
        How.
    spec : RunSpec
        Batch size, and the number of other orders.
    decoder : Decoder
        What decodes the images.

    Attributes
    ----------
    provider : Provider
        Where the answers come from.
    orders : tuple of str
        The dataset's own order of the batches, and the others that are tried.
    """

    def __init__(
        self,
        cache: Cache,
        variant: VariantRun,
        benchmark: PreparedBenchmark,
        probe: Entry[Probe],
        spec: RunSpec,
        decoder: Decoder,
    ) -> None:
        self.variant, self.benchmark = variant, benchmark
        self.questions = benchmark.questions[probe.qualified]
        self.method = probe.record.load()
        self.provider = self.method.provider(variant.quantizer.entry.record.provider)
        self.orders = (DATASET, *(shuffle(i + 1) for i in range(spec.noise if self.provider.batches else 0)))
        self.parts = variant.parts(self.provider)
        self._cache, self._probe, self._spec, self._decoder = cache, probe, spec, decoder
        self._waited = 0.0  # seconds for the model

    # --- what it is called

    @property
    def key(self) -> str:
        """The key of the cell."""
        keys = {part.name: key_of(part.parts) for part in self.answer_parts(DATASET)}
        return key_of(cell_parts(keys, self.benchmark, len(self.orders) - 1))

    @property
    def answers_key(self) -> str:
        """The key of all answers in the dataset's order."""
        return key_of({part.name: part.parts for part in self.answer_parts(DATASET)})

    @property
    def batch(self) -> BatchInfo | None:
        """Size and order of the batches, and how many other orders; `None` where they are not known."""
        if not self.provider.batches:
            return None
        return BatchInfo(size=self._spec.per_batch, order=DATASET, other_orders=len(self.orders) - 1)

    def facts(self) -> VariantFacts:
        """What is known of the variant, from the cache; otherwise it is built."""
        return self.variant.facts(self.provider)

    # --- what there is to do

    def missing(self, orders: Sequence[str] = (), share: Share = WHOLE) -> dict[str, int]:
        """Name of a part → how many images, texts or others of a share the cache lacks.

        `orders` are those that are looked at, all if none is given. `share` is that of the first of them.
        """
        found: dict[str, int] = {}
        for name, count in self.missing_arrays(orders, share).values():
            found[name] = found.get(name, 0) + count
        return found

    def missing_arrays(self, orders: Sequence[str] = (), share: Share = WHOLE) -> dict[str, tuple[str, int]]:
        """What names an array of answers, or a share of it → the name of its part, and how many rows the cache lacks.

        Variants that leave a tower alone share an array, so that it is computed once. The parameters are those of
        `missing`.
        """
        found = {}
        for place, order in enumerate(orders or self.orders):
            for part, mine in self._shares(order, share.after(place)):
                stored, rows = self._cache.sharded(part.name, part.parts), self._rows_per_shard(part)
                starts = [start for start in range(0, part.count, rows) if mine.has(start // rows)]
                count = sum(min(rows, part.count - start) for start in starts)
                key = key_of(part.parts | {"part": part.name, "share": asdict(mine)})
                found[key] = (part.name, max(count - stored.rows_done(mine.has), 0))
        return found

    def has(self, order: str, share: Share) -> bool:
        """Whether any answers in batches of `order` are in a share."""
        shares = self._shares(order, share)
        return share.whole or any(mine.first * self._rows_per_shard(part) < part.count for part, mine in shares)

    def has_any(self, share: Share) -> bool:
        """Whether any answers at all are in a share, which is that of the first order."""
        return any(self.has(order, share.after(place)) for place, order in enumerate(self.orders))

    def answered(self) -> bool:
        """Whether the cache has all answers, as far as its lists say."""
        return not any(self.missing().values())

    def speeds(self, known: Callable[[VariantRun, Parts], Mapping[str, float]] | None = None) -> dict[str, float]:
        """Name of a part → seconds for one image, text or other, where that was measured.

        `known` looks up the speeds of a variant, given with what decides it; those of this machine if not given.
        """
        found = {}
        for part in self.answer_parts(DATASET):
            variant = self._answering(part)
            parts = variant.parts(self.provider)
            speeds = known(variant, parts) if known is not None else known_speeds(self._cache, parts)
            if part.name in speeds:
                found[part.name] = speeds[part.name]
        return found

    # --- answers and scores

    def answer(self, order: str, step: Step) -> Answers:
        """All answers, in batches of `order`: from the cache, else computed and kept."""
        return {part.name: self._answered(part, order, step) for part in self.answer_parts(order)}

    def answer_share(self, order: str, share: Share, step: Step) -> None:
        """Compute and keep what is missing of a share of the answers in batches of `order`."""
        for part, mine in self._shares(order, share):
            if not self._cache.sharded(part.name, part.parts).complete:
                self._fill(part, order, step, mine)

    def cached_answers(self) -> Answers | None:
        """What `answer` gives in the dataset's order, where the cache has all of it; nothing is computed."""
        found = {}
        for part in self.answer_parts(DATASET):
            stored = self._cache.sharded(part.name, part.parts).read()
            if stored is None:
                return None
            found[part.name] = stored
        return found

    def score(self, order: str, step: Step) -> tuple[Outcome, Metrics]:
        """What the answers in batches of `order` mean for each item, and the numbers made of that."""
        answers = self.answer(order, step)
        with self.variant.timed("score"):
            task = self.benchmark.task
            outcome = self.method.outcome(task, self.benchmark.items, self.questions, answers)
            if self.variant.quantizer.label == self._spec.baseline:
                _refuse_ties(outcome, self.benchmark.planned.label)
            return outcome, task.measure(outcome)

    def timed_work(self) -> Mapping[str, Any]:
        """What is timed to measure speed: one full batch per part."""
        return self.provider.timed_work(self._asking())

    def trial(self, batches: int) -> None:
        """Answer the first batches of the largest part, as a run does, and keep nothing."""
        part = self.largest_part()
        size = min(part.count, batches * self._batch_size(part))
        encoder = self._answering(part).built().encoder
        places = positions(DATASET, part.count)
        given = answered(
            part, lambda: encoder, places, [range(size)], batch_size=self._batch_size(part), step=lambda n: None
        )
        deque(given, maxlen=0)

    def largest_part(self) -> AnswerPart:
        """The part with the most rows."""
        return max(self.answer_parts(DATASET), key=lambda part: part.count)

    def decoded(self) -> None:
        """Wait until the images are decoded, where they are needed."""
        if self.provider.decodes:
            benchmark, geometry = self.benchmark, self.variant.model.checkpoint.preprocessing.geometry
            self._decoder.decode(benchmark.items.images, benchmark.images_key, geometry, benchmark.digests)

    def memo(self, kind: str, parts: Parts) -> Memo:
        """What the cache remembers of asking this variant through this probe under `parts`."""
        return self._cache.memo(kind, {**parts, "probe": origin(self._probe)})

    def answer_parts(self, order: str) -> tuple[AnswerPart, ...]:
        """The arrays of answers in batches of `order`, each with its whole key."""
        common: Parts = {"probe": origin(self._probe), "batch": self._batch(order)}
        preprocessing = self.variant.model.checkpoint.preprocessing
        of_images = common | {
            "pixels": store_parts(self.benchmark.images_key, preprocessing.geometry),
            "preprocessing": asdict(preprocessing),
        }
        return tuple(
            self._with_whole_key(
                part,
                {"variant": self._answering(part).parts(self.provider)} | (of_images if part.of_images else common),
            )
            for part in self.provider.answers(self._asking())
        )

    def _answering(self, part: AnswerPart) -> VariantRun:
        return self.variant.answering(part.tower)

    def _batch(self, order: str) -> Parts | None:
        """What decides the batches; and that answers in another order are stored in that order."""
        if not self.provider.batches:
            return None
        batch: Parts = {"size": self._spec.per_batch, "order": order}
        return batch if order == DATASET else batch | {"rows": "in this order"}

    def _with_whole_key(self, part: AnswerPart, added: Parts) -> AnswerPart:
        if clash := sorted(added.keys() & part.parts.keys()):
            raise TypeError(
                f"the probe {self._probe.qualified} names {', '.join(clash)} in the parts of {part.name!r}: the "
                "execution adds parts of these names itself"
            )
        return replace(part, parts=added | part.parts)

    def _answered(self, part: AnswerPart, order: str, step: Step) -> npt.NDArray[Any]:
        """The answers to one part, in the order of the dataset; they are stored in the order of the batches."""
        stored = self._cache.sharded(part.name, part.parts)
        found = stored.read()
        if found is None:
            self._fill(part, order, step)
            found = stored.read()
            assert found is not None, f"{stored.folder} was damaged while it was read"
        return found if order == DATASET else found[np.argsort(positions(order, part.count))]

    def _shares(self, order: str, share: Share) -> list[tuple[AnswerPart, Share]]:
        """The arrays of answers in batches of `order`, with what is in a share of each."""
        return [(part, share.after(place)) for place, part in enumerate(self.answer_parts(order))]

    def _batch_size(self, part: AnswerPart) -> int:
        return self._spec.per_batch if self.provider.batches else max(part.count, 1)

    def _rows_per_shard(self, part: AnswerPart) -> int:
        """How many answers are stored together: whole batches."""
        return rows_per_shard(1, multiple_of=self._batch_size(part))

    def _fill(self, part: AnswerPart, order: str, step: Step, share: Share = WHOLE) -> None:
        """Compute what is missing of a share of the answers to one part; what others compute of it is waited for."""
        places = positions(order, part.count)
        stored, before = self._cache.sharded(part.name, part.parts), self.variant.seconds.get(part.name, 0.0)
        computed = 0
        with stored.filling(part.count, rows_per_shard=self._rows_per_shard(part)) as filling:
            for claimed in filling.rounds(share.has):
                computed += self._compute(filling, claimed, part, places, step)
        if self.provider.timed and computed:
            seconds = self.variant.seconds[part.name] - before
            remember_speed(self._cache, self._answering(part).parts(self.provider), part.name, seconds / computed)

    def _compute(
        self,
        filling: Filling,
        shards: Iterator[range],
        part: AnswerPart,
        places: npt.NDArray[np.int64],
        step: Step,
    ) -> int:
        """Compute shards of the answers to one part, and keep them, also if that is stopped; how many rows."""
        computed: list[tuple[range, npt.NDArray[Any]]] = []
        kept, rows = time.monotonic(), 0
        answering = self._answering(part)
        given = answered(
            part,
            lambda: self._encoder(answering),
            places,
            shards,
            batch_size=self._batch_size(part),
            step=step,
        )
        try:
            while (shard := self._next(given, part)) is not None:
                computed.append(shard)
                rows += len(shard[0])
                if time.monotonic() - kept > KEEP_EVERY:
                    self._keep(filling, computed, answering)
                    kept = time.monotonic()
        finally:
            self._keep(filling, computed, answering)
        return rows

    def _encoder(self, answering: VariantRun) -> object:
        """Who answers; the seconds until it is loaded are not those of its answers."""
        begun = time.perf_counter()
        try:
            return answering.built().encoder
        finally:
            self._waited += time.perf_counter() - begun

    def _next(
        self, given: Iterator[tuple[range, npt.NDArray[Any]]], part: AnswerPart
    ) -> tuple[range, npt.NDArray[Any]] | None:
        """The next shard of answers, timed; `None` after the last one."""
        with self._timed(part):
            return next(given, None)

    @contextmanager
    def _timed(self, part: AnswerPart) -> Iterator[None]:
        """Add the seconds of a block to those of a part, but for those in which it waited for images or the model."""
        waited = self._decoder.waited + self._waited
        with self.variant.timed(part.name) if self.provider.timed else nullcontext():
            yield
        if self.provider.timed:
            self.variant.seconds[part.name] -= self._decoder.waited + self._waited - waited

    def _keep(self, filling: Filling, computed: list[tuple[range, npt.NDArray[Any]]], answering: VariantRun) -> None:
        """Write what was computed, if the files of the variant are still those that its key was made from."""
        if computed:
            answering.check_unchanged(self.provider)
        for shard, answers in computed:
            filling.write(shard, answers)
        computed.clear()

    def _asking(self) -> Asking:
        return Asking(
            benchmark=self.benchmark.planned.label,
            items=self.benchmark.items,
            questions=self.questions,
            images_key=self.benchmark.images_key,
            preprocessing=self.variant.model.checkpoint.preprocessing,
            batch_size=self._spec.per_batch,
            pixels=remembered(self._pixels),
        )

    def _pixels(self) -> Pixels:
        benchmark, geometry = self.benchmark, self.variant.model.checkpoint.preprocessing.geometry
        return self._decoder.pixels(benchmark.items.images, benchmark.images_key, geometry, benchmark.digests)


def _refuse_ties(outcome: Outcome, where: str) -> None:
    """Refuse classes or answers that the baseline cannot tell apart: one of them would never be predicted."""
    for first, second in outcome.facts.get(TIED, ())[:1]:
        raise DataError(
            f"the baseline cannot tell {first!r} and {second!r} apart (their embeddings or likelihoods are equal), so "
            "that one of them is never predicted",
            where=where,
            fix="Give them texts that the model can tell apart, or make them one. A benchmark in which equal "
            "embeddings of classes are meant says so in Prompts.known_ties.",
        )
