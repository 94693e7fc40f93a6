"""The cells of a plan, and the work units that complete them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from qbench.comparisons import CellNames, cell_pairs
from qbench.execution.asked import AskedVariant
from qbench.execution.opened import Opened
from qbench.execution.plan import PlannedBenchmark, PlannedModel, PlannedQuantizer
from qbench.execution.prepare import PreparedBenchmark, PreparedModel
from qbench.execution.sharding import parts_of_variants
from qbench.executors.problems import Problem
from qbench.executors.work_units import WHOLE, Kind, Resources, Share, WorkUnit
from qbench.images.pixel_store import FOLDER, store_parts
from qbench.models.interface import Inspectable
from qbench.probes.batch_order import DATASET
from qbench.runfolder.writer import RunFolder
from qbench.store.arrays import rows_per_shard
from qbench.store.cache import Cache
from qbench.store.keys import key_of


@dataclass(frozen=True, kw_only=True, eq=False)
class PlannedCell:
    """One model × quantizer × benchmark of a plan.

    Attributes
    ----------
    model, quantizer, benchmark
        What is run.
    opened_model, opened_benchmark
        The checkpoint and the data; `None` where they could not be opened.
    asked : AskedVariant or None
        The variant with the benchmark; `None` where the model or the data could not be opened, or where a plugin
        failed to say what decides the cell.
    problem : Problem or None
        Why not.
    key : str
        What decides the cell; empty where `asked` is `None`.
    folder : str
        Its folder, relative to the run folder.
    """

    model: PlannedModel
    quantizer: PlannedQuantizer
    benchmark: PlannedBenchmark
    opened_model: PreparedModel | None
    opened_benchmark: PreparedBenchmark | None
    asked: AskedVariant | None
    problem: Problem | None
    key: str
    folder: str

    @property
    def name(self) -> str:
        """The three labels, for messages."""
        return f"{self.model.label} · {self.quantizer.label} · {self.benchmark.label}"

    @property
    def labels(self) -> dict[str, str]:
        """The three labels, by what they are labels of."""
        return {"model": self.model.label, "quantizer": self.quantizer.label, "benchmark": self.benchmark.label}

    @property
    def variant(self) -> str:
        """The two labels of the variant, for messages."""
        return f"{self.model.label} · {self.quantizer.label}"


def plan_cells(opened: Opened, problems: dict[tuple[str, str], Problem], folder: RunFolder) -> list[PlannedCell]:
    """All cells in the order of the plan.

    Parameters
    ----------
    opened : Opened
        Models and data.
    problems : dict
        Kind (``model`` or ``benchmark``) and label → why it could not be opened.
    folder : RunFolder
        Where they are kept.
    """
    cells = []
    for model in opened.plan.models:
        for quantizer in opened.plan.quantizers:
            for benchmark in opened.plan.asked_about(model.label):
                of_model, of_data = problems.get(("model", model.label)), problems.get(("benchmark", benchmark.label))
                problem, asked, key = of_model or of_data, None, ""
                if problem is None:
                    try:
                        found = opened.asked(model.label, quantizer.label, benchmark.label)
                        key = found.key
                    except Exception as error:  # noqa: BLE001 - whatever a plugin raises fails its own cells only
                        problem = Problem.of("build", error)
                    else:
                        asked = found
                cells.append(
                    PlannedCell(
                        model=model,
                        quantizer=quantizer,
                        benchmark=benchmark,
                        opened_model=None if of_model else opened.model(model.label),
                        opened_benchmark=None if of_data else opened.benchmark(benchmark.label),
                        asked=asked,
                        problem=problem,
                        key=key,
                        folder=folder.cell(benchmark.label, model.label, quantizer.label, key or "not-opened"),
                    )
                )
    return cells


def shared_out(cells: Iterable[PlannedCell], shares: Mapping[tuple[str, str], Share]) -> dict[PlannedCell, Share]:
    """The cells of which a process computes something, with its share of the first answers of each.

    Parameters
    ----------
    cells : iterable of PlannedCell
        All cells of the plan.
    shares : mapping
        Labels of a model and a quantizer → what of this variant is computed.
    """
    found, orders = dict[PlannedCell, Share](), Counter[tuple[str, str]]()
    for cell in cells:
        variant = cell.model.label, cell.quantizer.label
        if variant in shares:
            share = shares[variant].after(orders[variant])
            if cell.asked is None or cell.asked.has_any(share):
                found[cell] = share
            orders[variant] += len(cell.asked.orders) if cell.asked is not None else 1
    return found


class Units:
    """The work units of a run, in an order that can be executed.

    Parameters
    ----------
    cache : Cache
        What is in it needs no unit.
    workers : int
        Processes that decode.
    cpus : int
        Processor cores that answers on a CPU keep busy.
    at_once : callable
        What units want → how many of them can be executed at once. Work is divided among so many.

    Attributes
    ----------
    units : list of WorkUnit
        What was added.
    cells : dict of str to PlannedCell
        ID of a unit → the cell that it is for; a unit that decodes is for several, and is not in it.
    to_decode, to_answer : int
        Images that are decoded; images, texts and others that models are asked about.
    """

    def __init__(
        self, cache: Cache, workers: int, *, cpus: int = 1, at_once: Callable[[Resources], int] = lambda wants: 1
    ) -> None:
        self.units: list[WorkUnit] = []
        self.cells: dict[str, PlannedCell] = {}
        self.to_decode = self.to_answer = 0
        self._cache, self._workers, self._cpus, self._at_once = cache, workers, cpus, at_once
        self._decodes: dict[str, tuple[str, ...]] = {}
        self._answers: dict[str, tuple[str, ...]] = {}

    def decode(self, cells: Iterable[PlannedCell]) -> None:
        """Decode what the cells need, once for all models that share a geometry."""
        for cell in cells:
            parts = _pixels(cell)
            if parts is None or key_of(parts) in self._decodes:
                continue
            stored = self._cache.sharded(FOLDER, parts)
            if stored.complete:
                continue
            assert cell.asked is not None
            geometry = cell.asked.variant.model.checkpoint.preprocessing.geometry
            missing = len(cell.asked.benchmark.items.images) - stored.rows_done()
            wants = Resources(workers=self._workers)
            pieces = -(-missing // rows_per_shard(geometry.size**2 * 3))
            self._decodes[key_of(parts)] = tuple(
                self._append(
                    kind=Kind.DECODE, benchmark=cell.benchmark.label, geometry=geometry, wants=wants, streams=True
                )
                for _ in range(max(min(self._at_once(wants), pieces), 1))
            )
            self.to_decode += missing

    def compute(self, cells: Mapping[PlannedCell, Share]) -> None:
        """Answer and score cells, or answer the given shares of them."""
        variants = {cell.variant: cell for cell in cells}
        at_once = max((self._at_once(self._wants(cell, Kind.ANSWER)) for cell in variants.values()), default=1)
        parts = parts_of_variants(len(variants), at_once)
        for cell, share in cells.items():
            assert cell.asked is not None
            self.to_answer += sum(cell.asked.missing(share=share).values())
            divided = share.parts(parts)
            after = tuple(dict.fromkeys(chain.from_iterable(self._answered(cell, part) for part in divided)))
            self._add(cell, Kind.SCORE, after=after, share=share, shares=cell.variant if len(divided) == 1 else "")

    def _answered(self, cell: PlannedCell, share: Share) -> tuple[str, ...]:
        """Answer a share of a cell in all orders; the units after which that is done."""
        assert cell.asked is not None
        after = self._decoded(cell)
        shares = cell.variant if share.whole else f"{cell.variant} · part {share.first + 1} of {share.of}"
        for place, order in enumerate(cell.asked.orders):
            # Another order is tried only where the first worked.
            if cell.asked.has(order, mine := share.after(place)):
                after = (self._add(cell, Kind.ANSWER, after=after, order=order, share=mine, shares=shares),)
        return after

    def answer(self, cells: Iterable[PlannedCell]) -> None:
        """Ask about done cells again, without scoring them: the cache has lost answers that a comparison needs."""
        for cell in cells:
            assert cell.asked is not None
            self.to_answer += sum(cell.asked.missing((DATASET,)).values())
            after, shares = self._decoded(cell), cell.variant
            self._answers[cell.name] = (self._add(cell, Kind.ANSWER, after=after, order=DATASET, shares=shares),)

    def drift(self, pairs: Iterable[tuple[PlannedCell, PlannedCell]]) -> None:
        """Compare each cell, which is done, with that of its baseline, which is done, too."""
        for cell, baseline in pairs:
            answers = (self._answers.get(found.name, ()) for found in (cell, baseline))
            self._add(cell, Kind.DRIFT, after=tuple(chain.from_iterable(answers)))

    def speed(self, cells: Iterable[PlannedCell]) -> None:
        """Time the variants of the cells."""
        for cell in cells:
            self._add(cell, Kind.SPEED, after=self._decoded(cell))

    def name(self, unit: str) -> str:
        """What a unit is about, for messages."""
        found = next(x for x in self.units if x.id == unit)
        if found.kind is Kind.DECODE:
            return found.benchmark
        cell = self.cells[unit]
        return f"speed of {cell.variant}" if found.kind is Kind.SPEED else cell.name

    def count(self, kind: Kind) -> int:
        """How many units there are of a kind."""
        return sum(unit.kind is kind for unit in self.units)

    def needing(self, unit: str) -> list[PlannedCell]:
        """The cells that cannot be scored without a unit."""
        lost, cells = {unit}, []
        for found in self.units:
            if found.id == unit or not lost.isdisjoint(found.after):
                lost.add(found.id)
                if found.kind is Kind.SCORE:
                    cells.append(self.cells[found.id])
        return cells

    def _add(
        self,
        cell: PlannedCell,
        kind: Kind,
        *,
        after: tuple[str, ...],
        order: str = "",
        share: Share = WHOLE,
        shares: str = "",
    ) -> str:
        """Add a unit for a cell; its ID."""
        unit = self._append(
            kind=kind,
            model=cell.model.label,
            quantizer=cell.quantizer.label,
            benchmark=cell.benchmark.label,
            order=order,
            share=share,
            key=cell.key,
            after=after,
            wants=self._wants(cell, kind, shares),
        )
        self.cells[unit] = cell
        return unit

    def _append(self, *, kind: Kind, **more: Any) -> str:
        unit = WorkUnit(id=f"{kind} {len(self.units) + 1}", kind=kind, **more)
        self.units.append(unit)
        return unit.id

    def _wants(self, cell: PlannedCell, kind: Kind, shares: str = "") -> Resources:
        """What a unit of a cell wants."""
        if kind in (Kind.SCORE, Kind.DRIFT):
            return Resources(shares=shares)
        device = cell.quantizer.device
        return Resources(
            device=device,
            cpus=self._cpus if device == "cpu" else 1,
            memory=_weight_bytes(cell),
            shares=shares,
            alone=kind is Kind.SPEED,
        )

    def _decoded(self, cell: PlannedCell) -> tuple[str, ...]:
        """The units that decode what a cell needs, where there are some."""
        parts = _pixels(cell)
        return self._decodes.get(key_of(parts), ()) if parts else ()


def _weight_bytes(cell: PlannedCell) -> int:
    """Bytes of the weights of a cell's model on the disk; 0 where they are not known."""
    checkpoint = cell.opened_model.checkpoint if cell.opened_model else None
    try:
        return checkpoint.disk_bytes() if isinstance(checkpoint, Inspectable) else 0
    except Exception:  # noqa: BLE001 - whatever a plugin raises is raised again when the model is loaded
        return 0


def _pixels(cell: PlannedCell) -> dict[str, object] | None:
    """What decides the decoded images of a cell; `None` where it needs none."""
    if cell.asked is None or not cell.asked.provider.decodes:
        return None
    geometry = cell.asked.variant.model.checkpoint.preprocessing.geometry
    return store_parts(cell.asked.benchmark.images_key, geometry)


def with_own_baseline(cells: Iterable[PlannedCell], baseline: str) -> Iterator[tuple[PlannedCell, PlannedCell]]:
    """Each opened variant, with the opened baseline of its own model: those whose answers can be compared one by one.

    Comparisons that the spec declares are left out: embeddings of two checkpoints have no axes in common.
    """
    for pair in cell_pairs({CellNames(**cell.labels): cell for cell in cells}, baseline):
        if pair.baseline is not None and pair.variant.asked is not None and pair.baseline.asked is not None:
            yield pair.variant, pair.baseline


def first_of_each_variant(cells: Iterable[PlannedCell]) -> list[PlannedCell]:
    """For each variant whose speed can be measured, its first opened cell."""
    found: dict[str, PlannedCell] = {}
    for cell in cells:
        if cell.asked is not None and cell.asked.provider.timed:
            found.setdefault(cell.variant, cell)
    return list(found.values())


def speed_file(cell: PlannedCell, folder: RunFolder, *, batch_size: int, repeats: int) -> Path:
    """The file with the speed of a cell's variant."""
    assert cell.asked is not None
    parts = {**cell.asked.parts, "batch_size": batch_size, "repeats": repeats}
    return folder.speed(cell.model.label, cell.quantizer.label, key_of(parts))
