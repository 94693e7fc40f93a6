"""What a run still has to compute, summed up for a forecast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from os import SEEK_END

from qbench.errors import QbenchError
from qbench.execution.asked import AskedVariant
from qbench.execution.cluster import DecodingWork, VariantWork
from qbench.execution.variant import VariantRun
from qbench.executors.work_units import Share
from qbench.images.decoder import known_decoding_speed
from qbench.images.locations import ImageLocation
from qbench.images.pixel_store import FOLDER, store_parts
from qbench.models.interface import Inspectable
from qbench.probes.batch_order import DATASET
from qbench.probes.interface import Parts
from qbench.store.arrays import SHARD_ROWS
from qbench.store.cache import Cache
from qbench.store.keys import key_of

SAMPLE = 100
"""Images that are looked at for the size of their files. A choice of ours."""

Known = Callable[[VariantRun, Parts], Mapping[str, float]]


class WorkLeft:
    """Sums up what the cache lacks. What several cells need is counted once.

    Parameters
    ----------
    cache : Cache
        What is in it is not left to compute.
    known : callable, optional
        Looks up speeds that were measured elsewhere; those of this machine are used if it is not given.

    Attributes
    ----------
    answers : dict of str to int
        What has to be asked (``images``, ``texts``) → how many answers.
    seconds : float or None
        Of asking, as far as speeds were measured; `None` if none were.
    unmeasured : int
        Cells of which speeds were not measured.
    variants : dict of str to VariantWork
        Variant → what is left to ask of it, with the answers that it shares with others at the first of them.
    decoding : dict of str to DecodingWork
        Key of a set of decoded images → what is left to decode.
    """

    def __init__(self, cache: Cache, known: Known | None = None) -> None:
        self.answers: dict[str, int] = {}
        self.seconds: float | None = None
        self.unmeasured = 0
        self.variants: dict[str, VariantWork] = {}
        self.decoding: dict[str, DecodingWork] = {}
        self._cache, self._known = cache, known
        self._seen: set[str] = set()
        self._speeds: dict[tuple[str, str, str], dict[str, float]] = {}

    def learn(self, asked: AskedVariant) -> None:
        """Remember the speeds of a variant for others of the same method on the same model, on other layers."""
        known = self._speeds.setdefault(_like(asked), {})
        for name, seconds in asked.speeds(self._known).items():
            known.setdefault(name, seconds)

    def add(self, asked: AskedVariant, share: Share) -> None:
        """Add the share of the answers that a cell needs, and its images."""
        speeds = self._speeds[_like(asked)] | asked.speeds(self._known)
        missing = asked.missing_arrays(share=share)
        new = {key: part for key, part in missing.items() if part[1] and key not in self._seen}
        self._seen |= new.keys()
        for name, count in new.values():
            self.answers[name] = self.answers.get(name, 0) + count
        seconds = 0.0
        if asked.provider.timed:  # otherwise it is a matter of seconds
            if all(name in speeds for name, _ in new.values()):
                seconds = sum(speeds[name] * count for name, count in new.values())
                self.seconds = (self.seconds or 0.0) + seconds
            else:
                self.unmeasured += 1
        self._add_variant(asked, seconds, list(new.values()))
        if asked.provider.decodes:
            self._add_decoding(asked)

    def _add_variant(self, asked: AskedVariant, seconds: float, new: Sequence[tuple[str, int]]) -> None:
        """Add what a cell needs to the work of its variant."""
        of_images = {part.name for part in asked.answer_parts(DATASET) if part.of_images}
        shown = sum(count for name, count in new if name in of_images) if asked.provider.decodes else 0
        known, checkpoint = self.variants.get(asked.variant.name), asked.variant.model.checkpoint
        self.variants[asked.variant.name] = VariantWork(
            seconds=seconds + (known.seconds if known else 0.0),
            pixel_bytes=shown * _pixel_bytes(asked) + (known.pixel_bytes if known else 0),
            weight_bytes=checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else 0,
            pieces=max([-(-count // SHARD_ROWS) for _, count in new] + [known.pieces if known else 1]),
        )

    def _add_decoding(self, asked: AskedVariant) -> None:
        """Add the images of a cell that are not decoded yet."""
        geometry, images = asked.variant.model.checkpoint.preprocessing.geometry, asked.benchmark.items.images
        parts = store_parts(asked.benchmark.images_key, geometry)
        stored, key = self._cache.sharded(FOLDER, parts), key_of(parts)
        if key in self.decoding or stored.complete:
            return
        count = len(images) - stored.rows_done()
        self.decoding[key] = DecodingWork(
            images=count,
            seconds=known_decoding_speed(self._cache, geometry),
            file_bytes=round(_mean_file_bytes(images) * count),
            pixel_bytes=count * _pixel_bytes(asked),
        )


def _like(asked: AskedVariant) -> tuple[str, str, str]:
    method = asked.variant.quantizer
    return asked.variant.model.planned.label, method.entry.qualified, method.device


def _pixel_bytes(asked: AskedVariant) -> int:
    """Bytes of one decoded image."""
    return int(asked.variant.model.checkpoint.preprocessing.geometry.size**2 * 3)


def _mean_file_bytes(images: Sequence[ImageLocation]) -> float:
    """The mean size of a sample of the files, those that can be opened."""
    sizes = []
    for location in images[:: max(len(images) // SAMPLE, 1)][:SAMPLE]:
        with suppress(OSError, QbenchError), location.source.open(location.key) as stream:
            sizes.append(stream.seek(0, SEEK_END))
    return sum(sizes) / len(sizes) if sizes else 0.0
