"""Which Linear layers a method is to change: options → the whole list of names, with a reason for each one left out.

Resolved to names of layers that exist, never to patterns that a library would read in its own way: bitsandbytes'
``llm_int8_skip_modules`` *replaces* transformers' own list, and matches prefixes, suffixes and regular expressions.
What came of it is compared with what was wanted, afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn

from qbench.api import InputError, QuantizationError, tower_of
from qbench_quantizers.options import ScopeOptions


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is to be changed.

    Attributes
    ----------
    wanted : frozenset of str
        Names of the layers to change.
    reasons : mapping
        The other Linear layers, each with the reason why it is left out.
    """

    wanted: frozenset[str]
    reasons: Mapping[str, str]

    def check(self, changed: Collection[str]) -> None:
        """Compare with what was changed in fact.

        Raises
        ------
        QuantizationError
            They differ: the variant is not the one that its options name.
        """
        missing, extra = sorted(self.wanted - set(changed)), sorted(set(changed) - self.wanted)
        for names, said in ((missing, "not quantized though it should be"), (extra, "quantized though it should not")):
            if names:
                more = f" (and {len(names) - 1} more layers)" if names[1:] else ""
                raise QuantizationError(f"the layer {names[0]}{more} was {said}: the library did not keep to the scope")


def resolve(model: nn.Module, options: ScopeOptions, *, library: Mapping[str, str] | None = None) -> Scope:
    """Which layers of `model` the options name.

    Parameters
    ----------
    model : torch.nn.Module
        The model before it is quantized; on the meta device will do.
    options : ScopeOptions
        The user's choice.
    library : mapping, optional
        Layers that the library leaves out on its own, with the reason.

    Raises
    ------
    InputError
        A pattern fits no layer, there are no projections to leave out, or nothing is left to quantize.
    """
    linears = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    projections = [name for name in linears if "." not in name and name.endswith("projection")]
    if options.projections == "none" and not projections:
        raise InputError("this model has no projection layers", where=f"projections = {options.projections!r}")
    reasons: dict[str, str] = {}
    for name, module in linears.items():
        # The methods exchange modules by their exact class: a subclass is used by its owner in ways of its own.
        if type(module) is not nn.Linear:
            reasons[name] = f"a {type(module).__name__}, which its owner reads directly"
        elif options.towers != "both" and tower_of(name) != options.towers:
            reasons[name] = f"towers = {options.towers}"
        elif options.projections == "none" and name in projections:
            reasons[name] = "projections = none"
        elif options.projections == "library" and name in (library or {}):
            reasons[name] = (library or {})[name]
    for pattern in options.skip:
        found = [name for name in linears if fnmatchcase(name, pattern)]
        if not found:
            raise InputError(
                f"the pattern {pattern!r} fits none of the model's {len(linears)} Linear layers",
                where="skip",
                fix=f"They are called like {', '.join(list(linears)[:2])}.",
            )
        for name in found:
            reasons.setdefault(name, f"skip = {pattern}")
    if not set(linears) - set(reasons):
        raise InputError("these options leave no layer to quantize", where="towers, skip, projections")
    return Scope(wanted=frozenset(set(linears) - set(reasons)), reasons=reasons)
