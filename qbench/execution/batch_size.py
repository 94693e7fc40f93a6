"""``batch_size = "auto"``: the largest batch that is not slower than smaller ones and fits into the device's memory.

The size is one for all variants of a run, because some methods compute other numbers in other batches. It is found with
the baseline of each model, by the path by which the run itself answers, and the smallest of what is found is taken. A
run that is continued keeps the size that its folder records; otherwise what was found once on this machine for a model
in a precision is remembered in the cache.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from qbench.errors import InputError, MachineError
from qbench.execution.asked import AskedVariant
from qbench.execution.opened import Opened
from qbench.execution.plan import Plan
from qbench.execution.progress import Silent
from qbench.execution.run_log import event
from qbench.probes.batches import TooLittleMemoryError
from qbench.runfolder.writer import RunFolder
from qbench.spec.model import AUTO, BATCH_SIZE
from qbench.store.memos import Memo

SIZES = tuple(2**i for i in range(3, 11))
"""What is tried: 8 to 1,024."""
SLOWER = 1.03
"""From which ratio of times per image a size is slower than the fastest one. Equal work varies by less."""
LONG = 3.0
"""Seconds of a batch from which larger ones are not tried: what a batch costs once is then a small part of its time."""
ENOUGH, TIMES = 1.0, 3
"""A size is timed until it took so many seconds, or so many times."""
MEMO = "batch-sizes"

Ask = Callable[[str, str], AskedVariant]
"""The labels of a model and a benchmark → the model's baseline with the benchmark."""


def with_batch_size(opened: Opened, folder: RunFolder, *, shared: bool) -> Opened:
    """What is opened, in batches of a size that is a number: that of the spec, or the one found for ``"auto"``.

    Parameters
    ----------
    opened : Opened
        Models and data.
    folder : RunFolder
        A run that is continued keeps the size that is recorded here.
    shared : bool
        Whether other processes compute shards of the same run. They might find other sizes, so none is looked for.

    Raises
    ------
    InputError
        The run is divided into shards, and no size is recorded.
    """
    if opened.plan.spec.batch_size != AUTO:
        return opened
    size = recorded_size(folder)
    if size is None and shared:
        raise InputError(
            'shards of one run need one batch size, and each might find another one for batch_size = "auto"',
            where=opened.plan.spec.name,
            fix="Give a number, or run once without --shard, with --limit 100 for example, to see which one is found.",
        )
    size = size or _found_size(opened)
    said = f"batches of {size}, for batch_size = {AUTO}"
    event(said, stage="run")
    opened.progress.say(said)
    return opened.in_batches_of(size)


def recorded_size(folder: RunFolder) -> int | None:
    """The size of the batches of the run in a folder; `None` where there is no run."""
    known = folder.known()
    size = known.spec.get("batch_size") if known is not None else None
    return size if isinstance(size, int) else None


def remembered_size(plan: Plan, ask: Ask) -> int | None:
    """The size that was found earlier on this machine for the models of a plan; `None` where one was not looked for."""
    sizes = [_remembered(_memo(asked)) for asked in _probed(plan, ask)]
    known = [size for size in sizes if size is not None]
    return min(known) if known and len(known) == len(sizes) else None


def _found_size(opened: Opened) -> int:
    """The smallest of the sizes of all models; the default where none can be asked, whose cells fail with a cause."""
    baseline, small = opened.plan.spec.baseline, opened.in_batches_of(SIZES[0])
    every = _probed(opened.plan, lambda model, benchmark: small.asked(model, baseline, benchmark))
    return min((_size_of(opened, asked) for asked in every), default=BATCH_SIZE)


def _probed(plan: Plan, ask: Ask) -> Iterator[AskedVariant]:
    """The baseline of each model with one benchmark for each probe."""
    for model in plan.models:
        first = {plan.probes[model.label, b.label].qualified: b.label for b in reversed(plan.asked_about(model.label))}
        for benchmark in first.values():
            try:
                asked = ask(model.label, benchmark)
            except Exception:  # noqa: BLE001 - whatever a plugin raises is raised again when its cells are planned
                continue
            if asked.provider.batches:
                yield asked


def _size_of(opened: Opened, asked: AskedVariant) -> int:
    """The size for one model and probe: remembered, or looked for now."""
    memo = _memo(asked)
    size = _remembered(memo)
    if size is None:
        try:
            opened.progress.begin(f"looking for a batch size for {asked.variant.name}", 0)
            asked.decoded()  # nothing else may be at work while batches are timed
            size = largest_not_slower(partial(_seconds, opened, asked), _sizes(asked), opened.progress)
        except (MachineError, MemoryError, TooLittleMemoryError):
            raise
        except Exception:  # noqa: BLE001 - a model that cannot be asked at all fails its cells, with this cause
            return BATCH_SIZE
        finally:
            asked.variant.close()
        memo.write({"size": size})
    return size


def _memo(asked: AskedVariant) -> Memo:
    return asked.memo(MEMO, {**asked.parts, "machine": platform.node()})


def _remembered(memo: Memo) -> int | None:
    known = memo.read()
    return None if known is None else int(known["size"])


def _sizes(asked: AskedVariant) -> Sequence[int]:
    """The sizes of which two batches can be made of what is asked."""
    count = asked.largest_part().count
    return [size for size in SIZES if 2 * size <= count] or SIZES[:1]


def largest_not_slower(seconds: Callable[[int], float], sizes: Sequence[int], progress: Silent) -> int:
    """The largest of some sizes of a batch that is not slower for each image than the others, and that fits in memory.

    Parameters
    ----------
    seconds : callable
        Size → seconds that a batch takes; raises a `TooLittleMemoryError` or a `MemoryError` where it does not fit.
    sizes : sequence of int
        What is tried, ascending.
    progress : Silent
        Receives a message for each size that does not fit.

    Raises
    ------
    TooLittleMemoryError, MemoryError
        Not even the first size fits.

    Examples
    --------
    >>> largest_not_slower({8: 0.10, 16: 0.15, 32: 0.30, 64: 0.70}.__getitem__, [8, 16, 32, 64], Silent())
    32
    """
    each: dict[int, float] = {}
    for size in sizes:
        try:
            took = seconds(size)
        except (TooLittleMemoryError, MemoryError):
            if not each:
                raise
            said = f"the device has too little memory for a batch of {size}; {max(each)} fit"
            event(said, stage="run")
            progress.say(said, style="yellow")
            break
        each[size] = took / size
        if took > LONG:
            break
    return max(size for size, time_ in each.items() if time_ <= SLOWER * min(each.values()))


def _seconds(opened: Opened, asked: AskedVariant, size: int) -> float:
    """Seconds of a batch of a size: the shortest time of two, halved, after one that is not counted."""
    spec, names = opened.plan.spec, asked.variant
    trial = opened.in_batches_of(size).asked(names.model.planned.label, spec.baseline, asked.benchmark.planned.label)
    trial.trial(1)
    took: list[float] = []
    while len(took) < TIMES and math.fsum(took) < ENOUGH:
        begun = time.perf_counter()
        trial.trial(2)
        took.append((time.perf_counter() - begun) / 2)
    return min(took)
