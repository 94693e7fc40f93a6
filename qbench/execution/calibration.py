"""Calibration data: drawing items, checking that no image of them is evaluated, and decoding them for a quantizer."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from qbench.data.fingerprint import images_key
from qbench.data.items import Items
from qbench.data.subset import present
from qbench.errors import DataError, InputError
from qbench.execution.plan import PlannedBenchmark, PlannedCalibration
from qbench.execution.prepare import PreparedBenchmark, data_root
from qbench.images.digests import image_digests
from qbench.images.formats import FORMATS
from qbench.images.locations import ImageLocation
from qbench.images.pixel_store import pixel_store
from qbench.images.preprocessing import Geometry
from qbench.images.sources.files import FolderSource
from qbench.metrics.interface import Task
from qbench.runfolder.schema import CalibrationInfo
from qbench.store.cache import Cache
from qbench.store.files import text_of
from qbench.store.keys import key_of

EQUAL = "equal"
"""The mix in which every group has the same share."""
SHOWN = 3
"""Images that a message names."""


@dataclass(frozen=True, kw_only=True)
class PreparedCalibration:
    """Calibration data that was drawn; see `qbench.models.interface.CalibrationData`.

    Attributes
    ----------
    planned : PlannedCalibration
        What the spec says.
    items : Items
        The items that were drawn.
    texts : tuple of str
        The texts that were drawn.
    digests : tuple of str
        The digest of each image.
    cache : Cache
        Where decoded images are kept.
    workers : int
        Processes that decode, at most.
    """

    planned: PlannedCalibration
    items: Items
    texts: tuple[str, ...]
    digests: tuple[str, ...]
    cache: Cache
    workers: int

    @property
    def images_key(self) -> str:
        """What decides the pixels."""
        return images_key(self.items, self.digests)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all images and texts, in order."""
        return key_of({"images": self.images_key, "texts": list(self.texts)})

    @property
    def info(self) -> CalibrationInfo:
        """What a run folder keeps of it."""
        table = self.items.table
        return CalibrationInfo(
            source=self.planned.label,
            digest=self.digest,
            items=len(self.items),
            images=len(self.items.images),
            texts=len(self.texts),
            seed=self.planned.spec.seed,
            balance=self.planned.spec.balance,
            groups={
                attribute.name: {str(group): int(n) for group, n in counts.items()}
                for attribute in self.items.attributes
                for counts in [table[attribute.name].fillna("").astype(str).value_counts().sort_index()]
            },
        )

    def pixels(self, geometry: Geometry) -> npt.NDArray[np.uint8]:
        """The images, decoded as `geometry` says → ``(n, size, size, 3)`` uint8 RGB."""
        return pixel_store(
            self.cache, self.items.images, self.images_key, geometry, digests=self.digests, workers=self.workers
        )


def prepare_calibration(planned: PlannedCalibration, cache: Cache, *, workers: int) -> PreparedCalibration:
    """Draw the items and the texts, and hash the images that were drawn.

    Parameters
    ----------
    planned : PlannedCalibration
        What the spec says.
    cache : Cache
        Where digests and decoded images are kept.
    workers : int
        Threads that read images, and processes that decode them.

    Raises
    ------
    DataError
        The data is missing or malformed, or has fewer items than are to be drawn.
    """
    texts: Sequence[str] = ()
    if isinstance(planned.source, Path):
        items = _drawn(_in_folder(planned.source), planned)
    else:
        items, texts = _of_benchmark(planned.source, planned, cache)
    texts = _in_file(planned.texts) if planned.texts else texts
    order = _shuffled(list(dict.fromkeys(texts)), planned.spec.seed)
    return PreparedCalibration(
        planned=planned,
        items=items,
        texts=tuple(order[: planned.spec.items]),
        digests=tuple(image_digests(cache, items.images, workers=workers)),
        cache=cache,
        workers=workers,
    )


def check_disjoint(calibration: PreparedCalibration, benchmarks: Iterable[PreparedBenchmark]) -> None:
    """Refuse calibration images that are evaluated, whatever their names and boxes are.

    Raises
    ------
    InputError
        Images have the same content as images of a benchmark; the message names both.
    """
    for benchmark in benchmarks:
        evaluated = dict(zip(benchmark.digests, benchmark.items.images, strict=True))
        pairs = zip(calibration.items.images, calibration.digests, strict=True)
        shared = {mine.key: evaluated[digest].key for mine, digest in pairs if digest in evaluated}
        if not shared:
            continue
        named = [mine if mine == its else f"{mine} (there {its})" for mine, its in list(shared.items())[:SHOWN]]
        raise InputError(
            f"{len(shared)} calibration images are evaluated by {benchmark.planned.label}: {', '.join(named)}"
            + (", …" if len(shared) > SHOWN else ""),
            where=f"calibration ({calibration.planned.label})",
            fix="Draw the calibration data from other images, such as a training split.",
        )


def _of_benchmark(source: PlannedBenchmark, planned: PlannedCalibration, cache: Cache) -> tuple[Items, tuple[str, ...]]:
    """Items of a benchmark, and the texts that it asks about them."""
    root = data_root(source, cache)
    task = source.entry.record.load(source.options)
    items, _ = present(task.data(root), allow_missing=source.allow_missing, where=f"calibration ({planned.label})")
    drawn = _drawn(items, planned)
    return drawn, task.prompts(drawn).texts if isinstance(task, Task) else ()


def _in_folder(folder: Path) -> Items:
    """All images below a folder, as items without labels and groups."""
    if not folder.is_dir():
        raise DataError("the folder does not exist", where=str(folder))
    endings = {ending for ending, kind in Image.EXTENSION.items() if kind in FORMATS}
    source = FolderSource(folder)
    keys = source.keys()
    names = sorted(key for key in keys if Path(key).suffix.lower() in endings)
    table = pd.DataFrame({"item": names, "image_index": range(len(names)), "label": ""})
    return Items(table=table, images=tuple(ImageLocation(source, name) for name in names), root=folder)


def _in_file(path: Path) -> tuple[str, ...]:
    """The lines of a file that are not empty."""
    try:
        lines = text_of(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the texts cannot be read ({error})", where=str(path)) from None
    return tuple(line for line in lines if line.strip())


def _drawn(items: Items, planned: PlannedCalibration) -> Items:
    """The items that the spec draws: the first ones in an order that depends on their IDs and the seed only."""
    spec, where = planned.spec, f"calibration ({planned.label})"
    ids = [str(item) for item in items.table["item"]]
    rows = {item: row for row, item in enumerate(ids)}
    order = [rows[item] for item in _shuffled(ids, spec.seed)]
    if not spec.balance:
        chosen = _first(order, spec.items, "the data has", where)
        return items.take(sorted(chosen))
    [(attribute, mix)] = spec.balance.items()
    groups = next((a.groups for a in items.attributes if a.name == attribute), None)
    if groups is None:
        known = ", ".join(a.name for a in items.attributes) or "none"
        raise InputError(f"there is no attribute {attribute!r}", where=f"{where}: balance", fix=f"Attributes: {known}.")
    shares = dict.fromkeys(groups, 1 / len(groups)) if isinstance(mix, str) else mix
    if unknown := [group for group in shares if group not in groups]:
        raise InputError(
            f"{attribute!r} has no group {unknown[0]!r}", where=f"{where}: balance", fix=f"Groups: {', '.join(groups)}."
        )
    column = items.table[attribute].astype(str).to_numpy()
    chosen = []
    for group, count in _counts(shares, spec.items).items():
        found = [row for row in order if column[row] == group]
        chosen += _first(found, count, f"{attribute} {group!r} has", where)
    return items.take(sorted(chosen))


def _first(rows: Sequence[int], count: int, what: str, where: str) -> list[int]:
    if len(rows) < count:
        raise DataError(
            f"{what} {len(rows)} items, and {count} are to be drawn", where=where, fix="Set items to a smaller number."
        )
    return list(rows[:count])


def _counts(shares: Mapping[str, float], items: int) -> dict[str, int]:
    """How many items each group gets: its share rounded down, and the rest to the largest remainders.

    Examples
    --------
    >>> _counts({"young": 0.5, "old": 0.25, "other": 0.25}, 7)
    {'young': 3, 'old': 2, 'other': 2}
    """
    exact = {group: round(share * items, 6) for group, share in shares.items()}
    counts = {group: math.floor(value) for group, value in exact.items()}
    by_remainder = sorted(exact, key=lambda group: counts[group] - exact[group])
    for group in by_remainder[: items - sum(counts.values())]:
        counts[group] += 1
    return counts


def _shuffled(names: Sequence[str], seed: int) -> list[str]:
    """The same order on every machine: by a hash of the seed and the name."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest())
