"""The pieces of work of a run, as plain data that can be sent to another process or machine.

A unit names what it is about by the labels of the spec; together with the spec it says all that a process needs to
execute it. What it computes for other units (decoded images, answers) it leaves in the cache; what it computes for the
run folder it gives back. The boundaries of units are those of whole batches, so that results do not depend on how units
are distributed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from qbench.executors.problems import Problem
from qbench.images.preprocessing import Geometry
from qbench.runfolder.schema import SpeedRecord, VariantFacts

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import TypeAdapter

    from qbench.metrics.interface import Outcome


class Kind(StrEnum):
    """What is done."""

    DECODE = "decode"
    """Decode the images of a benchmark at one geometry."""
    ANSWER = "answer"
    """Ask a variant about a benchmark, in batches of one order."""
    SCORE = "score"
    """Make outcome and numbers of a cell from its answers."""
    DRIFT = "drift"
    """Compare the answers of a variant with its baseline's."""
    SPEED = "speed"
    """Measure speed and memory of a variant."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a unit wants from who executes it.

    Attributes
    ----------
    device : str
        Where it computes: ``cpu``, ``cuda`` or ``cuda:1``.
    cpus : int
        Processor cores that it keeps busy: for answers on a CPU as many as torch has threads in the process of the run.
    memory : int
        Bytes of memory that it needs at least, such as those of the weights; 0 where that is not known.
    workers : int
        Processes that it starts at most, besides. On fewer cores it takes longer, and gives the same.
    shares : str
        Units with the same non-empty text use the same loaded model, and are best executed one after another in one
        process.
    alone : bool
        Whether it measures time, so that nothing else should run on the machine.
    """

    device: str = "cpu"
    cpus: int = 1
    memory: int = 0
    workers: int = 0
    shares: str = ""
    alone: bool = False


@dataclass(frozen=True, kw_only=True)
class Share:
    """A part of the answers to a unit: of the shards in which they are stored, every `of`-th one, from `first`.

    Examples
    --------
    >>> [shard for shard in range(7) if Share(first=1, of=3).has(shard)]
    [1, 4]
    >>> [shard for shard in range(7) if Share(first=1, of=3).after(2).has(shard)]
    [2, 5]
    """

    first: int = 0
    of: int = 1

    @property
    def whole(self) -> bool:
        """Whether it is all of them."""
        return self.of == 1

    def has(self, shard: int) -> bool:
        """Whether a shard is in it."""
        return shard % self.of == self.first

    def parts(self, count: int) -> tuple[Share, ...]:
        """This share in `count` equal parts; only all answers are divided.

        Examples
        --------
        >>> Share().parts(2)
        (Share(first=0, of=2), Share(first=1, of=2))
        """
        return tuple(Share(first=first, of=count) for first in range(count)) if self.whole else (self,)

    def after(self, others: int) -> Share:
        """What is in it of the array after `others` ones: so arrays of one shard are divided evenly, too."""
        return Share(first=(self.first - others) % self.of, of=self.of)


WHOLE = Share()
"""All answers to a unit."""


@dataclass(frozen=True, kw_only=True)
class WorkUnit:
    """One piece of work.

    Attributes
    ----------
    id : str
        Unique in a run.
    kind : Kind
        What is done.
    benchmark, model, quantizer : str
        Labels of the spec; empty where they do not matter.
    order : str
        The order of the batches (`qbench.probes.batch_order`), to answer in.
    share : Share
        Which of the answers are computed. A shard of a run scores a cell only where it finds all answers to it.
    key : str
        The key of the cell that it is for, if there is one. A process in which the cell has another key, because the
        machine, the packages or the data differ, must not execute it: its answers could have other bits. Once a unit
        of a cell has failed, the others need not be executed.
    geometry : Geometry or None
        What images are decoded to.
    after : tuple of str
        IDs of the units that have to be done before, because their results are used. They stand before it in the list.
    wants : Resources
        What it needs.
    streams : bool
        Whether a process that executes it may begin the units that depend on it before it is done: they wait for those
        of its results that they read. Several such units may be for the same images: processes that execute them at
        once share the images among them, and each ends when all images are there.

    Examples
    --------
    >>> unit = WorkUnit(id="decode-1", kind=Kind.DECODE, benchmark="facet", geometry=Geometry(size=224))
    >>> WorkUnit.from_json(unit.to_json()) == unit
    True
    """

    id: str
    kind: Kind
    benchmark: str
    model: str = ""
    quantizer: str = ""
    order: str = ""
    share: Share = WHOLE
    key: str = ""
    geometry: Geometry | None = None
    after: tuple[str, ...] = ()
    wants: Resources = field(default_factory=Resources)
    streams: bool = False

    @property
    def stage(self) -> str:
        """What went wrong if the unit failed, as `qbench.executors.problems.Problem.stage` says it."""
        return {Kind.DECODE: "data", Kind.ANSWER: "encode"}.get(self.kind, str(self.kind))

    def to_json(self) -> str:
        """The unit as a text."""
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> WorkUnit:
        """What `to_json` wrote."""
        return _adapter().validate_json(text)


@cache
def _adapter() -> TypeAdapter[WorkUnit]:
    from pydantic import TypeAdapter

    return TypeAdapter(WorkUnit)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What the answers of a cell came to.

    Attributes
    ----------
    facts : VariantFacts
        What is known of the variant.
    outcome : Outcome
        One row per item.
    metrics : pandas.DataFrame
        The numbers in the dataset's order of the batches.
    noise : pandas.DataFrame or None
        The numbers in other orders, with the column ``order``; `None` where none were tried.
    """

    facts: VariantFacts
    outcome: Outcome
    metrics: pd.DataFrame
    noise: pd.DataFrame | None


@dataclass(frozen=True, kw_only=True)
class UnitResult:
    """What became of a unit. It can be pickled.

    Attributes
    ----------
    unit : str
        Its ID.
    problem : Problem or None
        Why it failed; `None` where it is done.
    seconds : dict of str to float
        Time by kind of work, as in `qbench.runfolder.schema.CellRecord`.
    wall : float
        Seconds from its begin to its end.
    scored, drift, speed
        What belongs into the run folder; `None` for units of other kinds. `drift` is also `None` where the cache lacks
        one of the two sets of answers, and `scored` where it lacks answers that another process computes.
    """

    unit: str
    problem: Problem | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    wall: float = 0.0
    scored: Scored | None = None
    drift: pd.DataFrame | None = None
    speed: SpeedRecord | None = None
