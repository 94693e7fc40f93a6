"""Checking a benchmark's data on this machine: what `qbench data check` shows. Computes nothing, needs no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from qbench.data.fingerprint import images_key, items_key
from qbench.data.items import Items
from qbench.data.subset import present
from qbench.data.validation import SHOWN, Finding, check_duplicates, check_images, check_table, counts
from qbench.errors import DataError
from qbench.execution.plan import PlannedBenchmark, plan_benchmark
from qbench.execution.prepare import data_root
from qbench.execution.progress import Silent
from qbench.images.digests import image_digests
from qbench.images.locations import ImageLocation
from qbench.images.workers import cores
from qbench.metrics.interface import Unavailable, unavailable
from qbench.plugins.records import Benchmark
from qbench.plugins.registry import Registry
from qbench.spec.model import BenchmarkSpec
from qbench.store.cache import Cache
from qbench.store.digests import digests_below


@dataclass(kw_only=True)
class CheckedData:
    """What was found.

    Attributes
    ----------
    benchmark : str
        The name in results.
    record : Benchmark
        Licence, citation, how to get it.
    root : str
        The folder.
    items, images : int
        Of the annotations; images are distinct ones (or boxes).
    labels : dict of str to int
        Items of each class; empty where the benchmark has none.
    groups : dict
        Attribute → group → items.
    choices : dict of str to str
        Every open choice as it was made.
    unavailable : tuple of Unavailable
        Numbers that this data (without the items whose image is missing) cannot give.
    fingerprint : str
        What a run's results would carry; empty where a run would refuse the data.
    findings : list of Finding
        What is wrong or worth a warning.
    """

    benchmark: str
    record: Benchmark
    root: str
    items: int = 0
    images: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    groups: dict[str, dict[str, int]] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    unavailable: tuple[Unavailable, ...] = ()
    fingerprint: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def wrong(self) -> bool:
        """Whether a result on this data would be wrong, or a run would refuse it."""
        return any(finding.level == "wrong" for finding in self.findings)


def check_data(
    spec: BenchmarkSpec,
    registry: Registry,
    *,
    decode: bool = False,
    workers: int | None = None,
    cache: Cache | None = None,
    progress: Silent | None = None,
) -> CheckedData:
    """Check a benchmark's data.

    Parameters
    ----------
    spec : BenchmarkSpec
        Which benchmark, its options, where the data is, whether missing images are allowed.
    registry : Registry
        The plugins.
    decode : bool
        Decode every image; otherwise headers are read only.
    workers : int, optional
        Processes that look at images and threads that read files; as many as there are processor cores if not given.
    cache : Cache, optional
        Where digests are remembered; the user's if not given.
    progress : Silent, optional
        What shows the progress.

    Raises
    ------
    InputError
        A name or an option is unknown, or there is no such folder. What is wrong *with the data* is a finding.
    """
    cache, told, workers = cache or Cache(), progress or Silent(), workers or cores()
    planned = plan_benchmark(spec, registry)
    root = data_root(planned, cache)
    task = planned.entry.record.load(planned.options)
    checked = CheckedData(benchmark=planned.label, record=planned.entry.record, root=str(root))
    if checked.record.licence in ("", "unknown"):
        checked.findings.append(Finding(level="warning", kind="licence", what="the licence is not known"))
    with told:
        told.begin(f"reading {planned.label}", 0)
        try:
            items = task.data(root)
        except DataError as error:
            checked.findings.append(Finding(level="wrong", kind="annotations", what=str(error)))
            return checked
        _describe(checked, items)
        checked.unavailable = unavailable(task, _with_images(items))
        # Other options than the defaults may ask for fewer items than the published split has.
        plain = planned.options == checked.record.options()
        checked.findings += check_table(
            items, expected=checked.record.items if plain else 0, allow_missing=planned.allow_missing
        )
        told.begin("looking at images", len(items.images))
        found, sound = check_images(
            items, decode=decode, allow_missing=planned.allow_missing, workers=workers, step=told.step
        )
        checked.findings += found
        told.begin("hashing images", len(sound))
        _hash(checked, items, sound, planned, cache, workers, told)
    return checked


def _describe(checked: CheckedData, items: Items) -> None:
    checked.items, checked.images = len(items), len(items.images)
    labels = items.table["label"].astype(str).value_counts().sort_index()
    checked.labels = {str(name): int(n) for name, n in labels.items() if name}
    checked.groups, checked.choices = counts(items), dict(items.choices)


def _with_images(items: Items) -> Items:
    """The items that a run would use; all of them where no image is there, which is a finding of its own."""
    try:
        return present(items, allow_missing=True, where="")[0]
    except DataError:
        return items


def _hash(
    checked: CheckedData,
    items: Items,
    sound: Sequence[ImageLocation],
    planned: PlannedBenchmark,
    cache: Cache,
    workers: int,
    told: Silent,
) -> None:
    """Find duplicates, and the fingerprint that a run would see where nothing is wrong with the data."""
    known = dict(zip(sound, image_digests(cache, sound, workers=workers, step=told.step), strict=True))
    checked.findings += check_duplicates(items, known)
    if not checked.wrong:
        items, _ = present(items, allow_missing=planned.allow_missing, where=planned.label)
        images = images_key(items, [known[image] for image in items.images])
        checked.fingerprint = items_key(items, images, digests_below(cache, items.root, items.annotations))


def as_dict(checked: CheckedData, *, shown: int | None = SHOWN) -> dict[str, Any]:
    """Everything as plain values, for JSON; of each finding so many examples, or all."""
    return {
        "benchmark": checked.benchmark,
        "root": checked.root,
        "status": "wrong" if checked.wrong else "warnings" if checked.findings else "sound",
        "items": checked.items,
        "images": checked.images,
        "labels": checked.labels,
        "groups": checked.groups,
        "choices": checked.choices,
        "unavailable": [asdict(one) for one in checked.unavailable],
        "findings": [
            {"level": f.level, "kind": f.kind, "what": f.what, "count": f.count, "examples": list(f.examples[:shown])}
            for f in checked.findings
        ],
        "licence": checked.record.licence,
        "citation": checked.record.citation,
        "fingerprint": checked.fingerprint,
    }
