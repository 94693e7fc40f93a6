"""The search for the fewest bits: configurations are tried on the first half in the order of bits until one passes.

The quantizers of the spec come first. One that does not pass is ablated, and its configurations without the part that
costs most of what did not pass, without the two such parts, and so on, are tried where they come in the order of bits.
What passes is confirmed once, on the second half.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from pathlib import Path
from typing import Any, get_args

from qbench.errors import InputError
from qbench.execution.ablation import NAME_LENGTH, AblatedPart, Division, common_parts, coverage_of, variants_of_parts
from qbench.execution.opened import Opened
from qbench.execution.plan import make_plan, narrowed, with_own_calibration
from qbench.execution.progress import Silent
from qbench.execution.quiet import quiet
from qbench.gate import GateResult, GateRow, Policy, check, read_policy
from qbench.models.layer_options import LayerOptions
from qbench.models.numerics import check_device
from qbench.plugins.registry import Registry, installed
from qbench.results import Results
from qbench.runfolder.integrity import refuse_links
from qbench.runfolder.writer import slug
from qbench.spec.model import HalfName, HalfSpec, QuantizerSpec, RunSpec
from qbench.spec.write import spec_text
from qbench.store.cache import Cache
from qbench.store.files import write_text
from qbench.store.lock import locked
from qbench.tuning.configurations import Configuration, Method
from qbench.tuning.record import Step, Tuning, check_unused, write_record
from qbench.vocabulary import Level, RowStatus

Run = Callable[[RunSpec, Path], Results]
"""Runs a spec into a folder, and reads and analyses its results."""
SPEC = "tuned.toml"


@dataclass(kw_only=True)
class Tuner:
    """A search for the configuration with the fewest bits that passes a policy.

    Parameters
    ----------
    spec : RunSpec
        Models, benchmarks, and the quantizers among which to choose. One configuration is chosen for all its models.
    policy : Policy
        What a configuration may lose.
    by : {"part", "block", "layer", "kind"}
        What is left out at once, see `qbench.execution.ablation.parts_of`.
    seed : int
        Of the division into halves.
    folder : pathlib.Path
        Where all runs, the record and the spec are written.
    run : callable
        Runs a spec into a folder, and reads and analyses its results.
    tell : callable
        Called with each step after it was tried.
    registry, cache, progress
        As for `qbench.execution.run.execute`.
    """

    spec: RunSpec
    policy: Policy
    by: Division
    seed: int
    folder: Path
    run: Run
    tell: Callable[[Step], None] = lambda step: None
    registry: Registry = field(default_factory=installed)
    cache: Cache = field(default_factory=Cache)
    progress: Silent = field(default_factory=Silent)

    def __post_init__(self) -> None:
        """Refuse what cannot be searched."""
        if self.by not in get_args(Division):
            raise InputError(f"parts are left out by {', '.join(get_args(Division))}, not by {self.by!r}")
        self.spec = with_own_calibration(self.spec, self.registry)
        if self.spec.half is not None:
            raise InputError(
                "the spec evaluates one half already",
                where=self.spec.name,
                fix="Remove `half`: tune divides the items.",
            )
        if named := [rule.id for rule in self.policy.rule if rule.quantizers]:
            raise InputError(
                f"the rule {named[0]!r} names quantizers, and the configurations that are tried have other labels",
                where="the policy",
                fix="Remove `quantizers` from the rule.",
            )
        if (self.folder / "run.json").exists():
            raise InputError("this is a run folder", where=str(self.folder), fix="Name another folder with --out.")
        refuse_links(self.folder)

    # --- what is run

    def half(self, part: HalfName, quantizers: Sequence[QuantizerSpec], name: str) -> RunSpec:
        """The spec of some quantizers beside the baseline on one half."""
        base = next(q for q in self._labelled() if q.label == self.spec.baseline)
        return self.spec.model_copy(
            update={
                "name": f"{self.spec.name[: NAME_LENGTH - len(name) - 1]}-{name}",
                "quantizers": [base, *quantizers],
                "comparisons": [],
                "half": HalfSpec(part=part, seed=self.seed),
                "policy": self.policy,
                "speed": 0,
            }
        )

    @property
    def first_look(self) -> RunSpec:
        """The spec of all quantizers on the first half."""
        others = [q for q in self._labelled() if q.label != self.spec.baseline]
        return self.half("first", others, "first-half")

    def _labelled(self) -> list[QuantizerSpec]:
        planned = make_plan(self.spec, self.registry).quantizers
        pairs = zip(self.spec.quantizers, planned, strict=True)
        return [named.model_copy(update={"label": found.label}) for named, found in pairs]

    def most(self) -> tuple[RunSpec, list[QuantizerSpec]]:
        """The quantizers and all their parts on the first half; and the configurations that may be tried besides.

        Which parts are left out is decided by the results. Here it is the first part, the first two, and so on, which
        costs the same.
        """
        methods, most = self._methods()
        if not any(method.whole.bits < most for method in methods):
            raise self._nothing_to_try()
        parts = [self._parts(method) for method in methods]
        divided = list(zip(methods, parts, strict=True))
        variants = [v for m, mine in divided for v in variants_of_parts(m.quantizer, m.planned, mine)]
        further = [m.without(mine[:number]).quantizer for m, mine in divided for number in range(1, len(mine))]
        return self.half("first", [*(m.quantizer for m in methods), *variants], "first-half"), further

    # --- the search

    @property
    def settings(self) -> dict[str, Any]:
        """What decides a confirmation besides the configuration: a change of it would be a second look at the half."""
        decides = self.spec.model_dump(mode="json", include={"name", "models", "benchmarks", "limit", "analysis"})
        for benchmark in decides["benchmarks"]:
            del benchmark["root"]  # the same data may be in another place
        return {**decides, "seed": self.seed, "policy": self.policy.model_dump(mode="json")}

    def tune(self) -> Tuning:
        """Search, confirm, and write the record; and the spec if the configuration is confirmed.

        Raises
        ------
        InputError
            The spec or the policy is wrong, an image would be in both halves, the second half was used before,
            nothing can be run, or another process searches in the folder.
        """
        with locked(self.folder):
            return self._searched()

    def _searched(self) -> Tuning:
        settings = self.settings
        methods, bits = self._methods()
        steps = tuple(self._tried(methods, bits))
        tuning = Tuning(steps=steps, confirmation=None, confirmed_in=None, spec=None)
        if chosen := tuning.chosen:
            check_unused(self.folder, chosen, settings)
            write_record(self.folder, tuning, settings, self.by)
            place = self.folder / "confirmation"
            found = self._judged(self.half("second", [chosen.quantizer], "second-half"), place)
            confirmed = found.band.passes
            spec = self.folder / SPEC if confirmed else None
            tuning = Tuning(steps=steps, confirmation=found, confirmed_in=place, spec=spec)
            if spec is not None:
                write_text(spec, spec_text(self._tuned(chosen)))
            else:
                (self.folder / SPEC).unlink(missing_ok=True)
        write_record(self.folder, tuning, settings, self.by)
        return tuning

    def _tuned(self, chosen: Configuration) -> RunSpec:
        """The spec with the configuration that was chosen in place of its quantizers."""
        whole = self.half("second", [chosen.quantizer], "tuned")
        return whole.model_copy(update={"half": None, "speed": self.spec.speed})

    def _methods(self) -> tuple[list[Method], float]:
        """What each quantizer does to the layers of each model; and the bits of the baseline."""
        plan = make_plan(self.first_look, self.registry)
        with self.progress as told, tempfile.TemporaryDirectory() as log, quiet(Path(log) / "log", told.say):
            check_device(self.spec.device)
            told.begin("measuring what is quantized", 0)
            opened = Opened(plan, self.cache, told)
            self._check_halves(opened)
            methods = [
                Method(
                    quantizer=named,
                    planned=planned,
                    coverages={model.label: coverage_of(opened, model.label, planned) for model in plan.models},
                )
                for named, planned in zip(self.first_look.quantizers, plan.quantizers, strict=True)
            ]
        return methods[1:], methods[0].whole.bits

    def _check_halves(self, opened: Opened) -> None:
        """Refuse benchmarks of which one has an image in the first half that another one has in the second."""
        plan = make_plan(self.half("second", [], "second-half"), self.registry)
        second, labels = Opened(plan, self.cache, self.progress), [b.label for b in plan.benchmarks]
        first = {digest: label for label in labels for digest in opened.benchmark(label).digests}
        for label in labels:
            shared = [digest for digest in second.benchmark(label).digests if digest in first]
            if shared:
                raise InputError(
                    f"{len(shared)} images are in the second half of {label} and in the first half of "
                    f"{first[shared[0]]}, so that nothing would be confirmed on unused images",
                    where=self.spec.name,
                    fix="Tune with one of these two benchmarks; or without `limit`, if they have the same groups.",
                )

    def _tried(self, methods: Sequence[Method], most: float) -> list[Step]:
        """Try configurations with fewer bits than `most` in the order of bits, until one passes."""
        order = count()
        queue: list[tuple[float, int, Configuration]] = []
        by_label = {method.quantizer.label: method for method in methods}

        def add(configuration: Configuration) -> None:
            if configuration.bits < most:
                heapq.heappush(queue, (configuration.bits, next(order), configuration))

        for method in methods:
            add(method.whole)
        if not queue:
            raise self._nothing_to_try()
        ranked: dict[str, list[AblatedPart]] = {}
        steps: list[Step] = []
        while queue:
            _, _, configuration = heapq.heappop(queue)
            method = by_label[configuration.method]
            step, result = self._step(configuration)
            steps.append(step)
            self.tell(step)
            if step.band.passes:
                break
            if not configuration.left_out:
                ranked[configuration.method] = self._ranked(method, result)
            parts = ranked[configuration.method][: len(configuration.left_out) + 1]
            if len(parts) > len(configuration.left_out) and len(parts) < len(ranked[configuration.method]):
                add(method.without(parts))
        return steps

    def _nothing_to_try(self) -> InputError:
        return InputError(
            "no quantizer of the spec has fewer bits than the baseline, so there is nothing to try",
            where=self.spec.name,
            fix="Add one to quantizers; `qbench list quantizers` shows those that there are.",
        )

    def _step(self, configuration: Configuration) -> tuple[Step, GateResult]:
        place = self._first_half(configuration.quantizer.label)
        result = self._judged(self.half("first", [configuration.quantizer], "first-half"), place)
        step = Step(configuration=configuration, band=result.band, sentence=result.sentence, folder=place)
        return step, result

    def _first_half(self, label: str) -> Path:
        return self.folder / "first-half" / slug(label)

    def _judged(self, spec: RunSpec, folder: Path) -> GateResult:
        result = check(self.run(spec, folder), self.policy)
        for problem in result.problems:
            if problem.level is Level.ERROR:  # which would be the same for every other configuration
                raise InputError(problem.what, where=problem.where)
        return result

    # --- which parts to leave out

    def _parts(self, method: Method) -> list[AblatedPart]:
        """The parts of a method that can be left out; none where it quantizes one only, or cannot leave parts out."""
        if not isinstance(method.planned.options, LayerOptions):
            return []
        found = common_parts(method.coverages, self.by, method=method.quantizer.label, where=self.spec.name)
        return found if len(found) > 1 else []

    def _ranked(self, method: Method, whole: GateResult) -> list[AblatedPart]:
        """The parts of a method that did not pass, the most costly first; none where it cannot leave parts out."""
        open_numbers, label = not_passed(whole), method.quantizer.label
        if not open_numbers or not self._parts(method):
            return []
        parts = self._parts(method)
        variants = variants_of_parts(method.quantizer, method.planned, parts)
        spec = self.half("first", [method.quantizer, *variants], f"first-half-{self.by}")
        losses = losses_of(open_numbers, self._judged(spec, self._first_half(f"{label}, only one {self.by}")))
        ranks = sorted(range(len(parts)), key=lambda i: -losses.get(variants[i].label, 0.0))
        return [parts[i] for i in ranks]


def tuner(
    spec: RunSpec,
    policy: Policy | Mapping[str, Any] | str | Path | None,
    *,
    by: Division,
    seed: int,
    model: str | None = None,
    out: str | Path | None,
    run: Run,
    tell: Callable[[Step], None] = lambda step: None,
    progress: Silent | None = None,
) -> Tuner:
    """A search with the installed plugins and the user's cache: see `Tuner`.

    Parameters
    ----------
    spec : RunSpec
        The spec.
    policy : Policy, mapping, str, pathlib.Path or None
        A policy, what its file would say, or the file; that of the spec if not given, else the built-in one.
    by, seed, run, tell, progress
        As for `Tuner`.
    model : str or None
        The label of the only model for which a configuration is looked for.
    out : str, pathlib.Path or None
        The folder; ``qbench-runs/NAME-tuned`` if not given.
    """
    given = policy if isinstance(policy, Policy | None) else read_policy(policy)
    suffix = "-tuned"
    return Tuner(
        spec=narrowed(spec, installed(), model=model),
        policy=given or spec.policy or read_policy(),
        by=by,
        seed=seed,
        folder=Path(out)
        if out is not None
        else Path("qbench-runs") / (spec.name[: NAME_LENGTH - len(suffix)] + suffix),
        run=run,
        tell=tell,
        progress=progress or Silent(),
    )


def not_passed(result: GateResult) -> set[tuple[str, ...]]:
    """The numbers for which a variant does not pass: those that fail, or else those that mean nothing or are open."""
    for status in (RowStatus.FAIL, RowStatus.ERROR, RowStatus.INCONCLUSIVE):
        numbers = {_number(row) for row in result.rows if row.status is status and row.counts and isfinite(row.found)}
        if numbers:
            return numbers
    return set()


def losses_of(numbers: set[tuple[str, ...]], result: GateResult) -> dict[str, float]:
    """Label of a quantizer → how much it loses in some numbers together, each as a multiple of its limit."""
    losses: dict[str, float] = {}
    for row in result.rows:
        if _number(row) in numbers and row.limit > 0 and isfinite(row.found):
            losses[row.quantizer] = losses.get(row.quantizer, 0.0) + row.found / row.limit
    return losses


def _number(row: GateRow) -> tuple[str, ...]:
    return row.rule, row.model, row.benchmark, row.metric, row.attribute, row.group, row.class_
