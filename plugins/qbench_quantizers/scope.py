"""Decides which Linear layers a method changes, from its options, with a reason for each layer that is left out.

The result lists the names of existing layers, because a library would read patterns in its own way: bitsandbytes'
``llm_int8_skip_modules`` *replaces* transformers' own list, and matches prefixes, suffixes and regular expressions.
After quantization, the list is compared with the layers that were changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import nn

from qbench.api import InputError, QuantizationError, tower_of
from qbench_quantizers.options import ScopeOptions


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The layers that should be changed.

    Attributes
    ----------
    wanted : frozenset of str
        Names of the layers to change.
    reasons : mapping
        The other Linear layers, each with the reason for leaving it out.
    """

    wanted: frozenset[str]
    reasons: Mapping[str, str]

    def check(self, changed: Collection[str]) -> None:
        """Compare the scope with the layers that were changed.

        Raises
        ------
        QuantizationError
            They differ, so the variant is not the one that its options describe.
        """
        missing, extra = sorted(self.wanted - set(changed)), sorted(set(changed) - self.wanted)
        for names, said in (
            (missing, "not quantized though it should be"),
            (extra, "quantized though it should not"),
        ):
            if names:
                more = f" (and {len(names) - 1} more layers)" if names[1:] else ""
                raise QuantizationError(f"the layer {names[0]}{more} was {said}: the library ignored the options")


def resolve(model: nn.Module, options: ScopeOptions, *, library: Mapping[str, str] | None = None) -> Scope:
    """The scope of the options on `model`.

    Parameters
    ----------
    model : torch.nn.Module
        The model before it is quantized; it may be on the meta device.
    options : ScopeOptions
        The options.
    library : mapping, optional
        Layers that the library leaves out by default, with the reason.

    Raises
    ------
    InputError
        A pattern matches no layer, there are no projections, or no layer is left to quantize.
    """
    linears = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    projections = [name for name in linears if "." not in name and name.endswith("projection")]
    if options.projections == "none" and not projections:
        raise InputError("this model has no projection layers", where=f"projections = {options.projections!r}")
    reasons: dict[str, str] = {}
    for name, module in linears.items():
        # The methods replace modules of exactly this class; the module around a subclass reads its weight directly.
        if type(module) is not nn.Linear:
            reasons[name] = f"a {type(module).__name__}, which its owner reads directly"
        elif options.towers != "both" and tower_of(name) != options.towers:
            reasons[name] = f"towers = {options.towers}"
        elif options.projections == "none" and name in projections:
            reasons[name] = "projections = none"
        elif options.projections == "library" and name in (library or {}):
            reasons[name] = (library or {})[name]
    for name, reason in options.left_out(linears).items():
        reasons.setdefault(name, reason)
    if not set(linears) - set(reasons):
        raise InputError("these options leave no layer to quantize", where="only, skip, towers, projections")
    return Scope(wanted=frozenset(set(linears) - set(reasons)), reasons=reasons)
