"""Which Linear layers of exported towers are left out, and whether a library kept to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

from qbench.api import Coverage, InputError, QuantizationError
from qbench_onnx.options import Towers
from qbench_onnx.towers import Tower


def left_out(layers: Mapping[Tower, Collection[str]], towers: Towers, skip: tuple[str, ...]) -> dict[str, str]:
    """Each layer that is left out, with the reason.

    Parameters
    ----------
    layers : mapping
        The names of the Linear layers by tower.
    towers : {"both", "image", "text"}
        The towers that are to be changed.
    skip : tuple of str
        Shell patterns for layers to leave out.

    Raises
    ------
    InputError
        A pattern matches no layer, or no layer is left.
    """
    names = [name for of_tower in layers.values() for name in of_tower]
    reasons: dict[str, str] = {}
    for tower, of_tower in layers.items():
        if towers not in ("both", tower):
            reasons |= dict.fromkeys(of_tower, f"towers = {towers}")
    for pattern in skip:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            raise InputError(
                f"the pattern {pattern!r} matches none of the model's {len(names)} Linear layers",
                where="skip",
                fix=f"Their names are like {', '.join(names[:2])}.",
            )
        reasons = dict.fromkeys(found, f"skip = {pattern}") | reasons
    if len(reasons) == len(names):
        raise InputError("these options leave no layer to quantize", where="towers, skip")
    return reasons


def check(coverage: Coverage, reasons: Mapping[str, str], library: str) -> None:
    """Raise `QuantizationError` where the layers that were quantized are not those of the options."""
    for layer in coverage.layers:
        if layer.quantized == (layer.name in reasons):
            said = "quantized though it should not be" if layer.quantized else "not quantized though it should be"
            raise QuantizationError(f"the layer {layer.name} was {said}: {library} ignored the options")
