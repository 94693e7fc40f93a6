"""The chain from a reference to a variant: which intermediate variants there are, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from qbench.diagnosis.stand_ins import (
    PREPROCESSED,
    TOWERS,
    WEIGHTS_ONLY,
    Of,
    preprocessed,
    registry_with,
    towers_of_two,
    weights_alone,
)
from qbench.execution.plan import PlannedQuantizer, plan_model, plan_quantizer
from qbench.execution.prepare import prepare_model
from qbench.images.preprocessing import Preprocessing
from qbench.models.control_arms import CONTROL_ARMS
from qbench.models.layer_options import LayerOptions
from qbench.plugins.records import Quantizer
from qbench.plugins.registry import Registry
from qbench.spec.model import ModelSpec, QuantizerSpec, RunSpec
from qbench.store.cache import Cache

FIELDS = ("resize", "interpolation", "mean", "std")
"""The parts of a preprocessing that can be exchanged; the size is that of the model's input."""
FULL = QuantizerSpec(name=CONTROL_ARMS["float32"])


@dataclass(frozen=True, kw_only=True)
class Step:
    """One intermediate variant: what is new in it, and how it is run.

    Attributes
    ----------
    name : str
        What is new, such as ``preprocessing: mean``.
    model, quantizer
        What is run.
    batch_size : int or "auto"
        In which batches.
    device : str
        Where.
    optional : bool
        Whether it may be impossible to make; the next step then has both parts.
    towers : bool
        Whether what is new can be looked at in each tower alone.
    """

    name: str
    model: ModelSpec
    quantizer: QuantizerSpec
    batch_size: int | Literal["auto"]
    device: str
    optional: bool = False
    towers: bool = True


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The steps from a reference to a variant, and the plugins with which they can be run."""

    steps: tuple[Step, ...]
    registry: Registry
    base: Path
    cache: Cache

    def split(self, before: Step, step: Step) -> Chain:
        """A chain of one step: the text tower of `step` with the image tower of the step before."""
        images, texts = self._planned(before.quantizer, before), self._planned(step.quantizer, step)
        model = plan_model(step.model, self.registry, self.base)
        made, options = towers_of_two(images, texts, lambda: prepare_model(model).checkpoint, self.cache)
        named = quantizer_named(TOWERS, options, step.quantizer)
        mixed = replace(step, name=f"{step.name}, text tower", model=before.model, quantizer=named)
        return replace(self, steps=(mixed,), registry=registry_with(self.registry, [], [made]))

    def _planned(self, quantizer: QuantizerSpec, step: Step) -> PlannedQuantizer:
        return plan_quantizer(quantizer, step.device, self.registry, self.base)


def chain_of(
    spec: RunSpec, quantizer: QuantizerSpec | None, reference: ModelSpec | None, registry: Registry, cache: Cache
) -> Chain:
    """The chain to one model, or to one quantizer of it.

    Parameters
    ----------
    spec : RunSpec
        Its first model is diagnosed.
    quantizer : QuantizerSpec or None
        The quantizer; none if only the model is compared with the reference.
    reference : ModelSpec or None
        The checkpoint from which the model was made; none if only the quantizer is diagnosed.
    registry : Registry
        The plugins.
    cache : Cache
        Where digests of files are remembered.
    """
    model, base = spec.models[0], Path(spec.base)
    made: list[Quantizer] = []
    sources = []
    steps: list[Step] = []

    def add(name: str, of: ModelSpec, by: QuantizerSpec, **more: object) -> None:
        usual = Step(name=name, model=of, quantizer=by, batch_size=spec.batch_size, device=spec.device)
        steps.append(replace(usual, **more))  # type: ignore[arg-type]

    first = reference or model
    if spec.device != "cpu":
        add("the reference on the CPU", first, FULL, device="cpu")
    add("device" if steps else "the reference", first, FULL, towers=False)
    if reference is not None:
        planned, exported = (plan_model(x, registry, base) for x in (reference, model))
        variants = dict(between(*(prepare_model(x).checkpoint.preprocessing for x in (planned, exported))))
        sources += [preprocessed(planned, variants)] if variants else []
        for name in variants:
            add(f"preprocessing: {name}", ModelSpec(source=PREPROCESSED, checkpoint=name), FULL, towers=False)
        add("export", model, FULL)
    if quantizer is not None:
        method = plan_quantizer(quantizer, spec.device, registry, base)
        steps_of_quantizer(quantizer, method, model, add, made, cache)
    return Chain(steps=tuple(steps), registry=registry_with(registry, sources, made), base=base, cache=cache)


def steps_of_quantizer(
    quantizer: QuantizerSpec,
    method: PlannedQuantizer,
    model: ModelSpec,
    add: Callable[..., None],
    made: list[Quantizer],
    cache: Cache,
) -> None:
    """Add the steps from a model in single precision to a quantizer of it."""
    if isinstance(method.options, LayerOptions) and (dtype := method.options.other_dtype) != "float32":
        add(f"cast to {dtype}", model, QuantizerSpec(name=CONTROL_ARMS[dtype]))
    if method.entry.record.kind == "control":
        add(f"cast to {method.label}", model, quantizer)
        return
    record, options = weights_alone(method, cache)
    made.append(record)
    add("precision of weights", model, quantizer_named(WEIGHTS_ONLY, options, quantizer), optional=True)
    if method.entry.record.batch_invariant is False:
        add("precision of activations", model, quantizer, batch_size=1)
        add("batch composition", model, quantizer, towers=False)
    else:
        add("precision of activations", model, quantizer)


def quantizer_named(name: str, options: Of, like: QuantizerSpec) -> QuantizerSpec:
    """The spec of an intermediate variant, with the calibration data of another quantizer."""
    return QuantizerSpec(name=name, options={"of": options.of}, calibration=like.calibration)


def between(reference: Preprocessing, other: Preprocessing) -> Iterator[tuple[str, Preprocessing]]:
    """The fields in which two preprocessings differ → the reference with all of them so far exchanged.

    Nothing is exchanged between models whose images have different sizes.

    Examples
    --------
    >>> from qbench.images.preprocessing import Geometry
    >>> here = Preprocessing(geometry=Geometry(size=8), mean=(0, 0, 0))
    >>> there = Preprocessing(geometry=Geometry(size=8, interpolation="bilinear"))
    >>> [name for name, _ in between(here, there)]
    ['interpolation', 'mean']
    """
    if reference.geometry.size != other.geometry.size:
        return
    found = reference
    for name in FIELDS:
        if name in ("mean", "std"):
            changed = replace(found, **{name: getattr(other, name)})
        else:
            changed = replace(found, geometry=replace(found.geometry, **{name: getattr(other.geometry, name)}))
        if changed != found:
            found = changed
            yield name, found
