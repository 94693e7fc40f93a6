"""What has to be embedded by another program: IDs, files, boxes, texts and preprocessing, as tables.

The folder that is written is the layout in which embeddings come back: the tables lack nothing but their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import pandas as pd

from qbench.errors import InputError, QbenchError
from qbench.execution.plan import Plan, PlannedBenchmark, make_plan
from qbench.execution.prepare import PreparedBenchmark, prepare_benchmark, prepare_model
from qbench.execution.progress import Silent
from qbench.execution.single import check_empty
from qbench.images.ids import image_id
from qbench.metrics.interface import Task
from qbench.plugins.registry import Registry
from qbench.probes.providers import PRECOMPUTED
from qbench.runfolder.writer import folder_name
from qbench.spec.model import RunSpec
from qbench.store.cache import Cache
from qbench.store.files import atomic, write_json
from qbench.store.folders import new_folder

MODELS = "models.json"
BOX = ("x", "y", "width", "height")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What was written.

    Attributes
    ----------
    counts : dict of str to (int, int)
        Images and texts of each benchmark's folder.
    unknown : dict of str to str
        Models that could not be opened, and why: nothing is said of their preprocessing.
    """

    counts: dict[str, tuple[int, int]]
    unknown: dict[str, str]


def list_wanted(
    spec: RunSpec,
    out: Path,
    *,
    registry: Registry,
    benchmark: str = "",
    cache: Cache | None = None,
    progress: Silent | None = None,
) -> Listed:
    """Write what a spec embeds into a new folder.

    ``models.json`` holds, by the model's label, ``weights`` (the fingerprint) and ``preprocessing``, in the words of a
    manifest. Each benchmark has a folder with ``images.parquet`` (``id``, ``path`` on this machine, and the box ``x``,
    ``y``, ``width``, ``height``, empty for the whole image) and ``texts.parquet`` (``id``: the text itself).

    Parameters
    ----------
    spec : RunSpec
        Its benchmarks and its limit decide what is listed, its models the preprocessing.
    out : pathlib.Path
        A new or an empty folder.
    registry : Registry
        The plugins.
    benchmark : str
        The label of one benchmark; all of them if empty.
    cache : Cache, optional
        The user's cache if not given.
    progress : Silent, optional
        What shows the progress; nothing if not given.

    Raises
    ------
    InputError
        The folder holds something, the spec has no such benchmark, its data is not to be had, or it is asked by another
        probe than by embeddings.
    """
    cache, plan = cache or Cache(), make_plan(spec, registry)
    wanted = _chosen(plan.benchmarks, benchmark)
    _check_probes(plan, wanted)
    _check_labels(wanted)
    check_empty(out)
    listed = Listed(counts={}, unknown={})
    with progress or Silent() as told, new_folder(out) as whole:
        for planned in wanted:
            told.begin(f"reading {planned.label}", 0)
            data = prepare_benchmark(
                planned, cache, limit=spec.limit, half=spec.half, workers=spec.processes, step=told.step
            )
            name = folder_name(planned.label)
            listed.counts[name] = _write(data, whole / name)
        models = {}
        for model in plan.models:
            try:
                checkpoint = prepare_model(model).checkpoint
            except QbenchError as error:  # of a model that never runs here there may be nothing yet
                listed.unknown[model.label] = str(error)
            else:
                preprocessing = asdict(checkpoint.preprocessing)
                models[model.label] = {"weights": checkpoint.identity.fingerprint, "preprocessing": preprocessing}
        write_json(whole / MODELS, models)
    return listed


def _chosen(benchmarks: Sequence[PlannedBenchmark], label: str) -> list[PlannedBenchmark]:
    found = [x for x in benchmarks if label in ("", x.label)]
    if not found:
        known = ", ".join(x.label for x in benchmarks)
        raise InputError(f"the spec has no benchmark called {label!r}", fix=f"It has: {known}.")
    return found


def _check_probes(plan: Plan, benchmarks: Sequence[PlannedBenchmark]) -> None:
    """Refuse benchmarks about which a model is asked by a probe whose answers cannot be precomputed."""
    for planned in benchmarks:
        for probe in plan.probes_of(planned):
            if PRECOMPUTED not in probe.record.providers:
                raise InputError(
                    f"{planned.label} is asked by the probe {probe.record.name!r}, whose answers cannot be precomputed",
                    fix="List another benchmark by its label.",
                )


def _check_labels(benchmarks: Sequence[PlannedBenchmark]) -> None:
    """Refuse labels whose folders would be one on a file system that ignores case."""
    labels: dict[str, str] = {}
    for planned in benchmarks:
        other = labels.setdefault(folder_name(planned.label).lower(), planned.label)
        if other != planned.label:
            raise InputError(
                f"the labels {other!r} and {planned.label!r} differ in their case only, and some file systems would "
                "make one folder of theirs",
                fix="Give one of the benchmarks another label.",
            )


def _write(data: PreparedBenchmark, folder: Path) -> tuple[int, int]:
    locations = data.items.images
    boxes = [image.box or (None,) * 4 for image in locations]
    images = pd.DataFrame(
        {
            "id": [image_id(image) for image in locations],
            "path": [image.where for image in locations],
            **{name: pd.Series([box[i] for box in boxes], dtype="float64") for i, name in enumerate(BOX)},
        }
    )
    texts = pd.DataFrame({"id": list(dict.fromkeys(cast(Task, data.task).prompts(data.items).texts))})
    for name, table in (("images", images), ("texts", texts)):
        with atomic(folder / f"{name}.parquet") as temporary:
            table.to_parquet(temporary, index=False, compression="zstd")
    return len(images), len(texts)
