"""Which part of a run a process computes, where several share its run folder and its cache folder.

A part follows from the plan and from two numbers alone: the processes need not talk to each other, and the same
command repeats the part of one that was killed. Variants are divided first, so that a model is loaded by one process;
where there are more processes than variants, the answers of a variant are divided along the boundaries at which they
are stored, which are boundaries of batches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qbench.errors import InputError
from qbench.execution.plan import Plan
from qbench.executors.work_units import WHOLE, Share

TASK = "SLURM_ARRAY_TASK_"
"""How the names of the variables begin by which Slurm tells a task of an array which one it is."""
PIECES = 4
"""How many pieces of work there are at least for each of several processes. A choice of ours."""
FORM = "It is two whole numbers, such as 1/4 for the first of four shards."


@dataclass(frozen=True)
class Shard:
    """One of the parts into which a run is divided.

    Parameters
    ----------
    number : int
        Which one, from 1.
    of : int
        How many there are.

    Raises
    ------
    InputError
        There is no such part.

    Examples
    --------
    >>> [Shard(i, 2).share(variant, 3) for i in (1, 2) for variant in range(3)]
    [Share(first=0, of=1), None, Share(first=0, of=1), None, Share(first=0, of=1), None]
    >>> Shard(3, 4).share(0, 2)
    Share(first=1, of=2)
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        """Refuse what is not a part."""
        if not 1 <= self.number <= self.of:
            raise InputError(
                f"there is no shard {self.number} of {self.of}: shards are numbered from 1 to {max(self.of, 1)}",
                where="shard",
                fix=FORM,
            )

    def __str__(self) -> str:
        """As on the command line."""
        return f"{self.number}/{self.of}"

    @property
    def copy(self) -> str:
        """The name of its working copy of a run in an object store."""
        return f"shard-{self.number}-of-{self.of}"

    def share(self, variant: int, variants: int) -> Share | None:
        """What of a variant, counted from 0, is computed by this shard; `None` where nothing is."""
        if self.of <= variants:
            return WHOLE if variant % self.of == self.number - 1 else None
        before, place = divmod(self.number - 1, variants)
        return Share(first=before, of=-(-(self.of - variant) // variants)) if place == variant else None

    def shares(self, plan: Plan) -> dict[tuple[str, str], Share]:
        """What is computed by this shard: labels of a model and a quantizer → what of this variant."""
        variants = [(model.label, quantizer.label) for model in plan.models for quantizer in plan.quantizers]
        found = {variant: self.share(i, len(variants)) for i, variant in enumerate(variants)}
        return {variant: share for variant, share in found.items() if share is not None}


def whole_run(plan: Plan) -> dict[tuple[str, str], Share]:
    """What is computed where a run is not divided; as `Shard.shares`."""
    return Shard(1, 1).shares(plan)


def parts_of_variants(variants: int, at_once: int) -> int:
    """Into how many parts the answers of each variant are divided, so that all of `at_once` processes have work.

    Whole variants are best, as each model is then loaded once. With fewer than four for each process, the last one to
    end would keep the others waiting for long.

    Examples
    --------
    >>> [parts_of_variants(variants, 2) for variants in (1, 2, 3, 8, 36)]
    [8, 4, 3, 1, 1]
    >>> parts_of_variants(1, 1)
    1
    """
    return max(-(-PIECES * at_once // variants), 1) if at_once > 1 and variants else 1


def read_shard(text: str, environment: Mapping[str, str]) -> Shard:
    """The shard that a user names: ``i/n``, or ``auto`` for the task of a Slurm array.

    Parameters
    ----------
    text : str
        What was given.
    environment : mapping
        The environment variables.

    Raises
    ------
    InputError
        It is neither, there is no such shard, or the process is not a task of an array.

    Examples
    --------
    >>> read_shard("2/4", {})
    Shard(number=2, of=4)
    >>> read_shard("auto", {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "0"})
    Shard(number=2, of=4)
    """
    if text == "auto":
        return _of_array(environment)
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if found is None:
        raise InputError(f"{text!r} is not a shard", where="--shard", fix=FORM + " In a Slurm array, it may be `auto`.")
    return Shard(int(found[1]), int(found[2]))


def _of_array(environment: Mapping[str, str]) -> Shard:
    """The shard of a task of a Slurm array."""
    given = {name: environment.get(TASK + name, "") for name in ("ID", "COUNT", "MIN", "STEP")}
    if not given["ID"] or not given["COUNT"]:
        raise InputError(
            f"this process is not a task of a Slurm array: {TASK}ID or {TASK}COUNT is not set",
            where="--shard auto",
            fix="Start it by `sbatch --array=0-3`, or name the shard, such as --shard 1/4.",
        )
    try:
        task, count, first, step = (int(given[name] or default) for name, default in zip(given, "0101", strict=True))
    except ValueError:
        said = ", ".join(f"{TASK}{name}={value}" for name, value in given.items())
        raise InputError(f"these are not whole numbers: {said}", where="--shard auto") from None
    place, between = divmod(task - first, max(step, 1))
    if between or not 0 <= place < count:
        raise InputError(
            f"the tasks of this array are not numbered evenly: task {task} of {count}, from {first}",
            where="--shard auto",
            fix="Use an array without gaps, such as --array=0-3, or name the shard, such as --shard 1/4.",
        )
    return Shard(place + 1, count)
