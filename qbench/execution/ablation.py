"""A spec → the spec of its ablation: the same run with variants that quantize one part of a model only, or all but one.

The parts are those layers that the method quantizes, as its coverage says. What comes out is an ordinary spec, whose
quantizers have the option ``only`` or ``skip`` (`qbench.models.layer_options.LayerOptions`).
"""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, get_args

from qbench.errors import InputError
from qbench.execution.opened import Opened
from qbench.execution.plan import PlannedQuantizer, make_plan
from qbench.execution.progress import Silent
from qbench.execution.quiet import quiet
from qbench.models.heads import Attention, attentions_of
from qbench.models.interface import Coverage, Inspectable
from qbench.models.layer_options import HEAD, LayerOptions
from qbench.models.numerics import check_device
from qbench.models.torch_module import torch_module
from qbench.plugins.registry import Registry, installed
from qbench.spec.model import QuantizerSpec, RunSpec
from qbench.store.cache import Cache

Division = Literal["part", "block", "layer", "kind"]
By = Literal["part", "block", "layer", "kind", "head"]
NAME_LENGTH = 100  # of a run, see `RunSpec.name`


@dataclass(frozen=True)
class AblatedPart:
    """A part of a model.

    Attributes
    ----------
    name : str
        Its name, such as ``text_model.encoder.layers.0``.
    patterns : tuple of str
        The shell patterns that select its layers and no other layer.
    layers : frozenset of str
        The layers of it that the method quantizes.
    """

    name: str
    patterns: tuple[str, ...]
    layers: frozenset[str]


def parts_of(layers: Iterable[str], by: Division) -> list[AblatedPart]:
    """Divide layers into parts, in the order of the layers.

    Parameters
    ----------
    layers : iterable of str
        The paths of the layers in the model.
    by : {"part", "block", "layer", "kind"}
        ``part``: what the path begins with, such as a whole tower or a projection. ``block``: the path up to the first
        number, such as a transformer block; a layer that is in no block is with those beside it. ``layer``: each layer.
        ``kind``: what the path ends with, such as ``q_proj``, in all blocks of both towers.

    Examples
    --------
    >>> layers = ["text.layers.0.mlp.fc1", "text.layers.0.mlp.fc2", "text.layers.1.mlp.fc1", "projection"]
    >>> [part.name for part in parts_of(layers, "block")]
    ['text.layers.0', 'text.layers.1', 'projection']
    >>> [(part.name, part.patterns) for part in parts_of(layers, "kind")]
    [('fc1', ('*.fc1',)), ('fc2', ('*.fc2',)), ('projection', ('projection',))]
    """
    every = list(layers)
    together: dict[tuple[str, str, str], list[str]] = {}
    for layer in every:
        together.setdefault(_part(layer, by), []).append(layer)
    return [
        AblatedPart(
            name=name,
            patterns=_selecting(before + glob.escape(name) + after, mine, every),
            layers=frozenset(mine),
        )
        for (before, name, after), mine in together.items()
    ]


def _selecting(pattern: str, layers: Sequence[str], every: Sequence[str]) -> tuple[str, ...]:
    """The pattern if it selects these layers and no other one; otherwise their names, as patterns."""
    if [layer for layer in every if fnmatchcase(layer, pattern)] == list(layers):
        return (pattern,)
    return tuple(sorted(map(glob.escape, layers)))


def _part(layer: str, by: Division) -> tuple[str, str, str]:
    """The name of the part to which a layer belongs, between what a pattern for the part has before and behind it."""
    path = layer.split(".")
    match by:
        case "layer":
            length = len(path)
        case "kind":
            return ("*.", path[-1], "") if path[1:] else ("", layer, "")
        case "part":
            length = 2 if path[0] == "model" and path[2:] else 1  # generative models have everything in `model`
        case "block":
            numbers = [i for i, name in enumerate(path) if name.isdigit()]
            length = numbers[0] + 1 if numbers else max(1, len(path) - 1)
    return "", ".".join(path[:length]), "" if length == len(path) else ".*"


def ablated(
    spec: RunSpec,
    by: By,
    *,
    leave_one_out: bool = False,
    registry: Registry | None = None,
    cache: Cache | None = None,
    progress: Silent | None = None,
) -> RunSpec:
    """The spec of an ablation: each quantizer is followed by its variants for each part; control arms stay as they are.

    Parameters
    ----------
    spec : RunSpec
        The spec whose quantizers are ablated.
    by : {"part", "block", "layer", "kind", "head"}
        The parts, see `parts_of`; a head is one of an attention whose projections the method quantizes all.
    leave_one_out : bool
        Quantize all parts but one, instead of one part only; not by head.
    registry, cache, progress
        As for `qbench.execution.run.execute`.

    Returns
    -------
    RunSpec
        Named after `spec` and what is ablated.

    Raises
    ------
    InputError
        A quantizer cannot be told which layers to change, there is nothing to ablate, models have different parts, or
        this machine does not have the device.
    QuantizationError
        A method cannot quantize a model.
    """
    registry, cache, told = registry or installed(), cache or Cache(), progress or Silent()
    plan = make_plan(spec, registry)
    if by not in get_args(By):
        raise InputError(f"an ablation is by {', '.join(get_args(By))}, not by {by!r}")
    if by == "head" and leave_one_out:
        raise InputError(
            "single heads are quantized alone, and not left out", fix="Leave out --leave-one-out, or ablate by layer."
        )
    methods = [q for q in plan.quantizers if _is_ablated(q, spec.baseline)]
    if not methods:
        raise InputError(
            "the spec has no quantizer beside the baseline and control arms, so there is nothing to ablate",
            where=spec.name,
            fix="Add one to quantizers; `qbench list quantizers` shows those that there are.",
        )
    for method in methods:
        _check_declared(method)
    with told, tempfile.TemporaryDirectory() as folder, quiet(Path(folder) / "log", told.say):
        check_device(spec.device)
        told.begin("finding the layers that are quantized", 0)
        opened = Opened(plan, cache, told)
        parts = {method.label: _common_parts(opened, method, by) for method in methods}
    quantizers: list[QuantizerSpec] = []
    for named, planned in zip(spec.quantizers, plan.quantizers, strict=True):
        whole = named.model_copy(update={"label": planned.label})
        mine = parts.get(planned.label, [])
        quantizers += [whole, *variants_of_parts(whole, planned, mine, leave_one_out=leave_one_out)]
    suffix = f"-{'without' if leave_one_out else 'only'}-{by}"
    return spec.model_copy(update={"name": spec.name[: NAME_LENGTH - len(suffix)] + suffix, "quantizers": quantizers})


def _is_ablated(quantizer: PlannedQuantizer, baseline: str) -> bool:
    return quantizer.label != baseline and quantizer.entry.record.kind != "control"


def _check_declared(method: PlannedQuantizer) -> None:
    if not isinstance(method.options, LayerOptions):
        raise InputError(
            f"the quantizer {method.entry.record.name!r} cannot be told which layers to change, so it is not ablated",
            where=method.label,
            fix="Leave it out of the spec. Its author can give it the options `only` and `skip`: they are those of "
            "qbench.api.LayerOptions.",
        )


def _common_parts(opened: Opened, method: PlannedQuantizer, by: By) -> list[AblatedPart]:
    labels = [model.label for model in opened.plan.models]
    coverages = {label: coverage_of(opened, label, method) for label in labels}
    where = opened.plan.spec.name
    if by == "head":
        heads = {label: heads_of(_attentions(opened, label), coverages[label]) for label in labels}
        parts = same_parts(heads, method=method.label, where=where)
        if not parts:
            raise InputError(
                f"{method.label} quantizes no attention of {labels[0]} whose heads are slices of four projections",
                where=where,
                fix="Ablate by layer: some models have queries, keys and values in one layer, or share keys.",
            )
    else:
        parts = common_parts(coverages, by, method=method.label, where=where)
    if len(parts) < 2:
        raise InputError(
            f"{method.label} quantizes one {by} only, so there is nothing to compare",
            where=where,
            fix="Ablate by a finer division, or name another quantizer with --quantizer.",
        )
    return parts


def common_parts(coverages: Mapping[str, Coverage], by: Division, *, method: str, where: str) -> list[AblatedPart]:
    """The parts that a method quantizes, which have to be the same: every variant of a run is one of every model.

    Parameters
    ----------
    coverages : mapping
        Label of a model → what the method does to its layers.
    by : {"part", "block", "layer", "kind"}
        The parts, see `parts_of`.
    method, where : str
        The label of the method, and the name of the spec, for the message.

    Raises
    ------
    InputError
        Models have different parts.
    """
    of = {label: parts_of([layer.name for layer in c.layers if layer.quantized], by) for label, c in coverages.items()}
    return same_parts(of, method=method, where=where)


def same_parts(found: Mapping[str, list[AblatedPart]], *, method: str, where: str) -> list[AblatedPart]:
    """The parts of all models, which have to be the same; label of a model → its parts. As for `common_parts`."""
    first, *_ = found
    for label, parts in found.items():
        if parts != found[first]:
            different = sorted({p.name for p in parts} ^ {p.name for p in found[first]})
            named = f" ({different[0]} is in one of them only)" if different else ""
            raise InputError(
                f"{method} quantizes other layers of {label} than of {first}{named}",
                where=where,
                fix="Name one of the models with --model, or use a coarser division.",
            )
    return found[first]


def heads_of(attentions: Mapping[str, Attention], coverage: Coverage) -> list[AblatedPart]:
    """The heads of the attentions of which a method quantizes all four projections, in their order."""
    quantized = {layer.name for layer in coverage.layers if layer.quantized}
    return [
        AblatedPart(name=head, patterns=(head,), layers=frozenset(attention.layers))
        for name, attention in attentions.items()
        if quantized.issuperset(attention.layers)
        for head in (f"{name}{HEAD}{i}" for i in range(attention.heads))
    ]


def _attentions(opened: Opened, model: str) -> dict[str, Attention]:
    """The attentions of a model, of its skeleton where its source has one."""
    checkpoint = opened.model(model).checkpoint
    if isinstance(checkpoint, Inspectable):
        return attentions_of(checkpoint.skeleton())
    encoder = checkpoint.load(device="cpu", dtype="float32")
    try:
        return attentions_of(torch_module(encoder))
    finally:
        encoder.close()


def coverage_of(opened: Opened, model: str, method: PlannedQuantizer) -> Coverage:
    """What a method does to each layer, from the cache if the variant was built before; otherwise it is built."""
    variant = opened.variant(model, method.label)
    probe = opened.plan.probes[model, opened.plan.asked_about(model)[0].label].record.load()
    try:
        return variant.facts(probe.provider(method.entry.record.provider)).coverage
    finally:
        variant.close()


def variants_of_parts(
    whole: QuantizerSpec, planned: PlannedQuantizer, parts: Sequence[AblatedPart], *, leave_one_out: bool = False
) -> list[QuantizerSpec]:
    """One variant for each part, in their order.

    Parameters
    ----------
    whole : QuantizerSpec
        The quantizer that is ablated, with its label.
    planned : PlannedQuantizer
        The same, resolved; its options are `LayerOptions`.
    parts : sequence of AblatedPart
        The parts.
    leave_one_out : bool
        Quantize all parts but one, instead of one part only.
    """
    made = []
    for part in parts:
        if leave_one_out:
            options = {"skip": [*planned.options.skip, *part.patterns]}
        else:
            options = {"only": _only(part, planned.options.only)}
        label = f"{whole.label}: {'without' if leave_one_out else 'only'} {part.name}"
        made.append(whole.model_copy(update={"label": label, "options": {**whole.options, **options}}))
    return made


def _only(part: AblatedPart, already: tuple[str, ...]) -> list[str]:
    """What selects a part: its patterns, or its layers by name where the whole method has a selection of its own."""
    return sorted(map(glob.escape, part.layers)) if already and HEAD not in part.name else list(part.patterns)
