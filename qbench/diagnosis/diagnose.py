"""Runs a chain of intermediate variants, compares each with the one before, and names the steps that cost accuracy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import nan
from pathlib import Path
from typing import Any

from qbench.diagnosis.chain import Chain, Step, chain_of
from qbench.diagnosis.record import write_record
from qbench.errors import InputError
from qbench.execution.ablation import NAME_LENGTH
from qbench.execution.forecast import Forecast, forecast
from qbench.execution.model_names import find_model
from qbench.execution.plan import make_plan, narrowed, with_own_calibration
from qbench.execution.progress import Silent
from qbench.execution.quiet import quiet
from qbench.execution.run import execute
from qbench.gate.comparison import with_older
from qbench.gate.loss import losses_of
from qbench.gate.select import quantity_of
from qbench.metrics.keys import MetricKey
from qbench.phrasing import Movement
from qbench.plugins.registry import Registry, installed
from qbench.results import Results, load
from qbench.results.analysis import analysed
from qbench.runfolder.integrity import refuse_links
from qbench.runfolder.writer import slug
from qbench.spec.model import ModelSpec, RunSpec
from qbench.stats.decide import holm
from qbench.store.cache import Cache
from qbench.text import counted
from qbench.vocabulary import Quantity

VARIANT = "variant"
"""The label of every intermediate variant, each of which is in a run folder of its own."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What one step does to the main metric of one benchmark.

    Attributes
    ----------
    benchmark, metric : str
        The number.
    movement : Movement
        The loss, with its interval.
    p : float
        Of no change; NaN where it is not tested.
    p_adjusted : float
        Corrected for all steps and benchmarks (Holm).
    """

    benchmark: str
    metric: str
    movement: Movement
    p: float
    p_adjusted: float = nan

    def shown(self, alpha: float) -> bool:
        """Whether a loss is shown."""
        return self.p_adjusted <= alpha and self.movement.loss > 0


@dataclass(frozen=True, kw_only=True)
class Link:
    """A step of the chain after it was run.

    Attributes
    ----------
    name : str
        What is new in it.
    losses : tuple of Loss
        Against the step before; none of the first step, and of one that failed.
    error : str
        Why it failed; empty where it did not.
    skipped : bool
        Whether it was left out because it cannot be made.
    """

    name: str
    losses: tuple[Loss, ...] = ()
    error: str = ""
    skipped: bool = False


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a diagnosis found. Made by `qbench.diagnose`.

    Attributes
    ----------
    links : tuple of Link
        The chain.
    total : tuple of Loss
        The last step against the first one.
    towers : tuple of Link
        The step that loses most, divided into its towers; empty where no step is named or it has one tower only.
    alpha : float
        The level of the tests.
    last_run : pathlib.Path
        The run folder of the last step that ran.
    """

    links: tuple[Link, ...]
    total: tuple[Loss, ...]
    towers: tuple[Link, ...]
    alpha: float
    last_run: Path

    @property
    def named(self) -> tuple[str, ...]:
        """The steps with which a loss goes, the largest first; none where the chain as a whole loses nothing."""
        failed = [link.name for link in self.links if link.error and not link.skipped]
        if failed:
            return tuple(failed[:1])
        lost = {loss.benchmark for loss in self.total if loss.shown(self.alpha)}
        found = {
            link.name: max(x.movement.loss for x in link.losses if x.benchmark in lost and x.shown(self.alpha))
            for link in self.links
            if any(x.benchmark in lost and x.shown(self.alpha) for x in link.losses)
        }
        return tuple(sorted(found, key=lambda name: -found[name]))


@dataclass(kw_only=True)
class Diagnoser:
    """Finds the steps between a reference and a variant that cost accuracy.

    Parameters
    ----------
    spec : RunSpec
        One model, and at most one quantizer beside the baseline: the variant that lost.
    reference : ModelSpec or None
        The checkpoint from which the model was made, if its preprocessing and its export are to be looked at.
    folder : pathlib.Path
        Where all runs are written.
    tell : callable
        Called with each link after it was run.
    registry, cache, progress
        As for `qbench.execution.run.execute`.
    """

    spec: RunSpec
    reference: ModelSpec | None
    folder: Path
    tell: Callable[[Link], None] = lambda link: None
    registry: Registry = field(default_factory=installed)
    cache: Cache = field(default_factory=Cache)
    progress: Silent = field(default_factory=Silent)

    def chain(self) -> Chain:
        """The intermediate variants; nothing is run.

        Raises
        ------
        InputError
            The spec has several models or quantizers, or there is nothing to diagnose.
        """
        self.spec = with_own_calibration(self.spec, self.registry)
        plan = make_plan(self.spec, self.registry)
        others = [
            q for q, p in zip(self.spec.quantizers, plan.quantizers, strict=True) if p.label != self.spec.baseline
        ]
        several = {"--model": len(self.spec.models) > 1, "--quantizer": len(others) > 1}
        if missing := [option for option, found in several.items() if found]:
            raise InputError(
                f"one variant is diagnosed, and the spec has {counted(len(self.spec.models), 'model')} and "
                f"{counted(len(others), 'quantizer')} beside the baseline",
                where=self.spec.name,
                fix=f"Name one with {' and '.join(missing)}.",
            )
        if not others and self.reference is None:
            raise InputError(
                "the spec has no quantizer beside the baseline, and no reference is named, so there is nothing between "
                "which to look",
                where=self.spec.name,
                fix="Add the quantizer, or name the checkpoint from which the model was made with --reference.",
            )
        with tempfile.TemporaryDirectory() as log, quiet(Path(log) / "log", self.progress.say):
            return chain_of(self.spec, others[0] if others else None, self.reference, self.registry, self.cache)

    def costs(self) -> list[tuple[Step, Forecast]]:
        """Each step, and what it takes on this machine; nothing is run. The towers of a step take one run more.

        Raises
        ------
        InputError
            As `chain`.
        """
        chain = self.chain()
        return [
            (
                step,
                forecast(
                    self.spec_of(step),
                    self.folder_of(step),
                    registry=chain.registry,
                    cache=self.cache,
                    progress=self.progress,
                ),
            )
            for step in chain.steps
        ]

    def diagnose(self) -> Diagnosis:
        """Run the chain, and write the record of what was found.

        Raises
        ------
        InputError
            The spec is wrong, the first step cannot be run, or the folder has links that lead out of it.
        """
        refuse_links(self.folder)
        chain = self.chain()
        done: list[tuple[Step, Results]] = []
        links: list[Link] = []
        skipped = ""
        for step in chain.steps:
            results = self.run(step, chain.registry)
            name = f"{skipped} or {step.name}" if skipped else step.name
            error = next((str(e) for e in results.cells["error"] if e), "")
            if error and not done:
                raise InputError(f"the first step cannot be run: {error}", where=step.name)
            losses = compared(done[-1][1], results) if done and not error else ()
            link = Link(name=name, losses=losses, error=error, skipped=bool(error) and step.optional)
            skipped = name if link.skipped else ""
            links.append(link)
            self.tell(link)
            if error and not step.optional:
                break
            if not error:
                done.append((replace(step, name=name), results))
        total = compared(done[0][1], done[-1][1]) if len(done) > 1 else ()
        alpha = 1 - self.spec.analysis.confidence
        found = Diagnosis(
            links=corrected(links),
            total=_corrected_alone(total),
            towers=(),
            alpha=alpha,
            last_run=done[-1][1].folder,
        )
        found = replace(found, towers=self._towers(chain, done, found))
        write_record(self.folder, found)
        return found

    def _towers(self, chain: Chain, done: Sequence[tuple[Step, Results]], found: Diagnosis) -> tuple[Link, ...]:
        """The step that loses most, divided into the text tower and the image tower."""
        at = next((i for i, (step, _) in enumerate(done) if found.named[:1] == (step.name,)), 0)
        if not at or not done[at][0].towers:
            return ()
        (before, older), (step, newer) = done[at - 1], done[at]
        divided = chain.split(before, step)
        mixed = self.run(divided.steps[0], divided.registry)
        if any(mixed.cells["error"]):
            return ()
        pairs = (("text tower", older, mixed), ("image tower", mixed, newer))
        return corrected([Link(name=f"{step.name}, {tower}", losses=compared(a, b)) for tower, a, b in pairs])

    def folder_of(self, step: Step) -> Path:
        """The run folder of a step."""
        return self.folder / slug(step.name)

    def spec_of(self, step: Step) -> RunSpec:
        """The spec of a step: an ordinary run of one variant."""
        return self.spec.model_copy(
            update={
                "name": "diagnosis",
                "models": [step.model.model_copy(update={"label": VARIANT})],
                "quantizers": [step.quantizer.model_copy(update={"label": VARIANT})],
                "baseline": VARIANT,
                "comparisons": [],
                "batch_size": step.batch_size,
                "device": step.device,
                "speed": 0,
                "noise": 0,
                "policy": None,
                "analysis": self.spec.analysis.model_copy(
                    update={"allow": ["preprocessing", "prompts", "batch", "checkpoint"]}
                ),
            }
        )

    def run(self, step: Step, registry: Registry) -> Results:
        """Run one step, or read what an earlier call did."""
        folder = self.folder_of(step)
        execute(self.spec_of(step), folder, registry=registry, cache=self.cache, progress=self.progress)
        return analysed(load(folder))


def diagnoser(
    spec: RunSpec,
    reference: str | Path | Mapping[str, Any] | None,
    *,
    model: str | None = None,
    quantizer: str | None = None,
    out: str | Path | None = None,
    tell: Callable[[Link], None] = lambda link: None,
    progress: Silent | None = None,
) -> Diagnoser:
    """A diagnosis with the installed plugins and the user's cache: see `Diagnoser`.

    Parameters
    ----------
    spec : RunSpec
        The spec.
    reference : str, pathlib.Path, mapping or None
        The checkpoint from which the model was made: as in a spec, or the path of a checkpoint.
    model, quantizer : str or None
        The labels of what is diagnosed, where the spec has several.
    out : str, pathlib.Path or None
        The folder; ``qbench-runs/NAME-diagnosis`` if not given.
    tell, progress
        As for `Diagnoser`.
    """
    registry = installed()
    named = None
    if isinstance(reference, str | Path):
        path = Path(reference).expanduser()
        named = find_model(str(path.absolute() if path.exists() else reference), registry)
    elif reference is not None:
        named = ModelSpec.model_validate(reference)
    suffix = "-diagnosis"
    return Diagnoser(
        spec=_chosen(spec, registry, model, quantizer),
        reference=named,
        folder=Path(out)
        if out is not None
        else Path("qbench-runs") / f"{spec.name[: NAME_LENGTH - len(suffix)]}{suffix}",
        tell=tell,
        registry=registry,
        progress=progress or Silent(),
    )


def _chosen(spec: RunSpec, registry: Registry, model: str | None, quantizer: str | None) -> RunSpec:
    """The spec with the model and the quantizer of these labels only, beside the baseline."""
    spec = narrowed(spec, registry, model=model).model_copy(update={"comparisons": []})
    labels = [planned.label for planned in make_plan(spec, registry).quantizers]
    if quantizer is None:
        return spec
    if quantizer not in labels:
        fix = f"It has: {', '.join(labels)}."
        raise InputError(f"the spec has no quantizer {quantizer!r}", where="--quantizer", fix=fix)
    wanted = (spec.baseline, quantizer)
    kept = [q for q, label in zip(spec.quantizers, labels, strict=True) if label in wanted]
    return spec.model_copy(update={"quantizers": kept})


def compared(older: Results, newer: Results) -> tuple[Loss, ...]:
    """The main metric of each benchmark over all items: what it loses from one step to another."""
    effects = with_older(newer, older).effects
    found = []
    for benchmark, rows in effects[(effects["attribute"] == "") & (effects["class"] == "")].groupby("benchmark"):
        main = next(info.name for (name, _), info in newer.metric_infos.items() if name == benchmark)
        mine = rows[[MetricKey.parse(str(metric)).name == main for metric in rows["metric"]]].iloc[:1]
        if mine.empty:
            continue
        row, loss = mine.iloc[0], float(losses_of(mine).found()[0])
        quantity = quantity_of(str(row["better"]))
        low, high = float(row["low"]), float(row["high"])
        if quantity is Quantity.DROP:
            low, high = -high, -low
        movement = Movement(loss=loss, low=low, high=high, unit=str(row["unit"]), quantity=quantity)
        p = 1.0 if loss == 0 else float(row["p"])
        found.append(Loss(benchmark=str(benchmark), metric=str(row["metric"]), movement=movement, p=p))
    return tuple(found)


def corrected(links: Sequence[Link]) -> tuple[Link, ...]:
    """Correct the p-values of all steps and benchmarks together, by Holm's method."""
    tested = iter(_adjusted([loss.p for link in links for loss in link.losses]))
    return tuple(
        replace(link, losses=tuple(replace(loss, p_adjusted=next(tested)) for loss in link.losses)) for link in links
    )


def _corrected_alone(losses: Sequence[Loss]) -> tuple[Loss, ...]:
    pairs = zip(losses, _adjusted([loss.p for loss in losses]), strict=True)
    return tuple(replace(loss, p_adjusted=p) for loss, p in pairs)


def _adjusted(p: Sequence[float]) -> list[float]:
    return [float(x) for x in holm(list(p))]
