"""Opening what a plan names: datasets become items with keys, checkpoints get their identity.

Nothing is decoded and no weight is loaded here; so whatever is missing is known before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbench.data.fingerprint import images_key, items_key
from qbench.data.halves import half_of
from qbench.data.items import Items
from qbench.data.subset import limited, present
from qbench.data.validation import check_labels
from qbench.errors import DataError
from qbench.execution.option_files import option_digests
from qbench.execution.plan import PlannedBenchmark, PlannedModel
from qbench.images.digests import image_digests
from qbench.metrics.interface import MeasuredTask, Unavailable, unavailable
from qbench.models.interface import Checkpoint
from qbench.plugins.records import Dataset, Probe
from qbench.plugins.registry import Entry
from qbench.probes.interface import Questions
from qbench.spec.model import HalfSpec
from qbench.store.cache import Cache
from qbench.store.digests import digests_below
from qbench.store.folders import StoredFolder


@dataclass(frozen=True, kw_only=True)
class PreparedBenchmark:
    """A benchmark whose data was found.

    Attributes
    ----------
    planned : PlannedBenchmark
        What the spec says.
    task : MeasuredTask
        The benchmark itself.
    items : Items
        What is asked about.
    questions : mapping
        Qualified name of each probe by which models are asked → what it asks.
    digests : tuple of str
        The digest of each image.
    images_key, items_key : str
        Digest of the images, and of all that decides the scores.
    files : dict
        Digests of the files that the benchmark's options name; see `qbench.execution.option_files.option_digests`.
    missing : dict
        Items without an image, see `qbench.data.subset.present`.
    unavailable : tuple of Unavailable
        Numbers that these items cannot give.
    """

    planned: PlannedBenchmark
    task: MeasuredTask
    items: Items
    questions: Mapping[str, Questions]
    digests: tuple[str, ...]
    images_key: str
    items_key: str
    files: dict[str, dict[str, str]]
    missing: dict[str, Any]
    unavailable: tuple[Unavailable, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PreparedModel:
    """A checkpoint whose files were found."""

    planned: PlannedModel
    checkpoint: Checkpoint


def prepare_benchmark(
    planned: PlannedBenchmark,
    cache: Cache,
    probes: Iterable[Entry[Probe]] = (),
    *,
    limit: int | None,
    half: HalfSpec | None = None,
    workers: int,
    step: Callable[[int], None] = lambda n: None,
) -> PreparedBenchmark:
    """Read the annotations, check that the images are there, and hash what decides a result.

    Parameters
    ----------
    planned : PlannedBenchmark
        The benchmark.
    cache : Cache
        Where digests are remembered.
    probes : iterable of Entry of Probe
        By which models will be asked.
    limit : int or None
        At most so many items.
    half : HalfSpec, optional
        Only this half of them.
    workers : int
        Threads that read images.
    step : callable
        Called with the number of images that were read since the last call.

    Raises
    ------
    DataError
        The data is missing, malformed or incomplete.
    """
    root = data_root(planned, cache)
    task = planned.entry.record.load(planned.options)
    items = task.data(root)
    check_labels(items, where=planned.label)
    items, missing = present(items, allow_missing=planned.allow_missing, where=planned.label)
    items = limited(items, limit)
    digests = tuple(image_digests(cache, items.images, workers=workers, step=step))
    if half is not None:
        items, digests = half_of(items, digests, half.part, half.seed, where=planned.label)
    questions = {probe.qualified: probe.record.load().questions(task, items) for probe in probes}
    images = images_key(items, digests)
    return PreparedBenchmark(
        planned=planned,
        task=task,
        items=items,
        questions=questions,
        digests=digests,
        images_key=images,
        items_key=items_key(items, images, digests_below(cache, items.root, items.annotations)),
        files=option_digests(planned.options, cache),
        missing=missing,
        unavailable=unavailable(task, items),
    )


def data_root(planned: PlannedBenchmark, cache: Cache) -> Path:
    """The folder of a benchmark's data; a dataset of a plugin is written into the cache first.

    Raises
    ------
    DataError
        The spec names no folder, or the folder does not exist.
    """
    record = planned.entry.record
    if planned.dataset is not None:
        return written(planned.dataset, cache)
    if planned.root is None:
        folder = record.folder or record.name
        raise DataError(
            "no data folder is given",
            where=planned.label,
            fix=f'Set root = "…", or QBENCH_DATA to a folder with {folder}/ in it. {record.how_to_get}',
        )
    if not planned.root.is_dir():
        what = "the place of the data is not a folder" if planned.root.exists() else "the data folder does not exist"
        raise DataError(what, where=str(planned.root), fix=record.how_to_get)
    return planned.root


def stored_dataset(entry: Entry[Dataset], cache: Cache) -> StoredFolder:
    """The folder of the cache into which a plugin's dataset is written."""
    name = f"{entry.plugin.name}-{entry.record.name}-{entry.record.version}-{entry.plugin.version}"
    return StoredFolder(cache, cache.root / "datasets" / name, {"dataset": name})


def written(entry: Entry[Dataset], cache: Cache) -> Path:
    """The folder of a plugin's dataset, written whole or not at all."""
    return stored_dataset(entry, cache).get(entry.record.write, size=entry.record.size)


def prepare_model(planned: PlannedModel) -> PreparedModel:
    """Find (or fetch) a checkpoint's files and identify them.

    Raises
    ------
    ModelError
        They are missing, damaged or of another architecture.
    """
    return PreparedModel(planned=planned, checkpoint=planned.entry.record.open(planned.checkpoint, planned.options))
