"""What can be tried: the quantizers of a spec as they are, and with parts of the model left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from qbench.execution.ablation import AblatedPart
from qbench.execution.plan import PlannedQuantizer
from qbench.models.interface import Coverage, DType
from qbench.models.layer_options import LayerOptions
from qbench.spec.model import QuantizerSpec

KEPT_BITS: Mapping[DType, int] = {"float32": 32, "float16": 16, "bfloat16": 16}
"""Bits of a weight that is left out, by the type of the layers that a method does not change."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A quantizer, and which parts of the model it leaves as they are.

    Attributes
    ----------
    quantizer : QuantizerSpec
        As a spec names it, with its label.
    bits : float
        Bits per weight over all Linear layers, the mean over the models.
    left_out : tuple of str
        The parts that it leaves out.
    method : str
        The label of the quantizer of which it is a configuration.
    """

    quantizer: QuantizerSpec
    bits: float
    left_out: tuple[str, ...]
    method: str


@dataclass(frozen=True, kw_only=True)
class Method:
    """A quantizer of the spec, and what it does to each model.

    Attributes
    ----------
    quantizer : QuantizerSpec
        As the spec names it, with its label.
    planned : PlannedQuantizer
        The same, resolved.
    coverages : mapping
        Label of a model → what was done to each layer.
    """

    quantizer: QuantizerSpec
    planned: PlannedQuantizer
    coverages: Mapping[str, Coverage]

    @property
    def whole(self) -> Configuration:
        """The quantizer as the spec has it."""
        bits = fmean(coverage.bits_per_weight for coverage in self.coverages.values())
        return Configuration(quantizer=self.quantizer, bits=bits, left_out=(), method=self.quantizer.label)

    def without(self, parts: Sequence[AblatedPart]) -> Configuration:
        """The quantizer with parts left out, for which its options have to be `LayerOptions`."""
        options: LayerOptions = self.planned.options
        layers = frozenset(layer for part in parts for layer in part.layers)
        kept = KEPT_BITS[options.other_dtype]
        more = f" and {len(parts) - 1} more" if parts[1:] else ""
        quantizer = self.quantizer.model_copy(
            update={
                "label": f"{self.quantizer.label}: without {parts[0].name}{more}",
                "options": {
                    **self.quantizer.options,
                    "skip": [*options.skip, *(pattern for part in parts for pattern in part.patterns)],
                },
            }
        )
        return Configuration(
            quantizer=quantizer,
            bits=fmean(bits_without(coverage, layers, kept) for coverage in self.coverages.values()),
            left_out=tuple(part.name for part in parts),
            method=self.quantizer.label,
        )


def bits_without(coverage: Coverage, left_out: frozenset[str], bits: float) -> float:
    """Bits per weight if some layers are left out and have `bits` each.

    Examples
    --------
    >>> from qbench.models.interface import Layer
    >>> layers = [Layer(name=n, tower="image", kind="Linear", parameters=4, quantized=True, bits=4) for n in "ab"]
    >>> bits_without(Coverage(layers=tuple(layers), total_parameters=8, model_bytes=None), frozenset("a"), 32)
    18.0
    """
    total = sum(layer.parameters for layer in coverage.layers)
    used = sum(layer.parameters * (bits if layer.name in left_out else layer.bits) for layer in coverage.layers)
    return used / total if total else 0.0
