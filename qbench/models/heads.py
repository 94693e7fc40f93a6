"""Attention heads: where they lie in the projections of a block, and a variant in which only some of them change.

A head is a slice of four projections: rows of ``q_proj``, ``k_proj`` and ``v_proj``, columns of the output projection.
No library quantizes a part of a layer, so the variant is simulated in float32: the method quantizes the projections,
and the slices of the heads are taken over into the original weights. What is seen is what the precision of these
weights does; the precision of activations, which some methods reduce too, belongs to whole layers and has no part in
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qbench.errors import InputError, QuantizationError
from qbench.models.effective_weights import weights_of
from qbench.models.interface import Checkpoint, Context, Variant
from qbench.models.layer_options import LayerOptions, split_head
from qbench.models.simulate import simulate
from qbench.models.torch_module import torch_module

INPUTS = ("q_proj", "k_proj", "v_proj")
OUTPUTS = ("out_proj", "o_proj")
ORIGINAL_BITS = 32
NOTE = "single heads are simulated in float32: with the precision of their weights, and not of activations"


@dataclass(frozen=True)
class Attention:
    """The attention of one block.

    Attributes
    ----------
    heads : int
        How many heads it has.
    width : int
        Rows (columns of the output) of one head.
    inputs : tuple of str
        The projections of which a head has rows.
    output : str
        The projection of which a head has columns.
    """

    heads: int
    width: int
    inputs: tuple[str, ...]
    output: str

    @property
    def layers(self) -> tuple[str, ...]:
        """All four projections."""
        return (*self.inputs, self.output)


def attentions_of(model: Any) -> dict[str, Attention]:
    """The attention modules of a torch model whose heads are slices of four projections of one width.

    An attention whose queries, keys and values are one layer, or whose heads share keys, is not among them.

    Parameters
    ----------
    model : torch.nn.Module
        The model, quantized or not; it may be on the meta device.
    """
    found = {}
    for name, module in model.named_modules():
        heads, parts = getattr(module, "num_heads", None), dict(module.named_children())
        output = next((x for x in OUTPUTS if x in parts), "")
        layers = [parts[x] for x in (*INPUTS, output) if hasattr(parts.get(x), "in_features")]
        if not isinstance(heads, int) or len(layers) != len(INPUTS) + 1:
            continue
        *rows, last = layers
        if {layer.out_features for layer in rows} == {last.in_features} and last.in_features % heads == 0:
            inputs = tuple(f"{name}.{x}" for x in INPUTS)
            found[name] = Attention(heads, last.in_features // heads, inputs, f"{name}.{output}")
    return found


def build_variant(
    build: Callable[[Checkpoint, Context, Any], Variant], checkpoint: Checkpoint, context: Context, options: Any
) -> Variant:
    """Build a variant as its options say; one of single heads is simulated.

    Parameters
    ----------
    build : callable
        Of the record of the quantizer.
    checkpoint, context, options
        As for `build`.

    Raises
    ------
    InputError
        The model has no such head.
    QuantizationError
        The method does not leave the other layers in float32, or it failed.
    """
    variant = build(checkpoint, context, options)
    heads = options.heads if isinstance(options, LayerOptions) else ()
    return _only_heads(checkpoint, context, variant, heads) if heads else variant


def _only_heads(checkpoint: Checkpoint, context: Context, variant: Variant, heads: Sequence[str]) -> Variant:
    """The original in float32 with the slices of some heads as the variant has them. The variant is closed."""
    try:
        if variant.dtype != "float32":
            raise QuantizationError(
                f"single heads are quantized in a model of float32, and the other layers are {variant.dtype}",
                fix='Set dtype = "float32" in the options of the quantizer.',
            )
        model = torch_module(variant.encoder)
        slices = _slices(attentions_of(model), heads)
        bits = {layer.name: layer.bits for layer in variant.coverage.layers if layer.quantized}
        weights = weights_of(model, slices.keys() & bits.keys(), variant.dtype, context.device)
    finally:
        variant.encoder.close()

    def rule(name: str, weight: Any) -> tuple[Any, float] | None:
        if name not in weights:
            return None
        share = 0.0
        for axis, start, length in slices[name]:
            new = weights[name].to(weight.device).narrow(axis, start, length)
            weight.narrow(axis, start, length).copy_(new)
            share += length / weight.shape[axis]
        return weight, share * bits[name] + (1 - share) * ORIGINAL_BITS

    made = simulate(checkpoint, context, rule, layers=LayerOptions())
    return replace(made, note=NOTE)


def _slices(attentions: Mapping[str, Attention], heads: Sequence[str]) -> dict[str, list[tuple[int, int, int]]]:
    """Layer → axis, start and length of each slice."""
    found: dict[str, list[tuple[int, int, int]]] = {}
    for head in heads:
        module, number = split_head(head)
        attention = attentions.get(module)
        if attention is None or number >= attention.heads:
            has = f"has the heads 0 to {attention.heads - 1}" if attention else "is not attention with separate heads"
            raise InputError(f"{module} has no head {head}: it {has}", where="only")
        at = (number * attention.width, attention.width)
        for layer in attention.inputs:
            found.setdefault(layer, []).append((0, *at))
        found.setdefault(attention.output, []).append((1, *at))
    return found
