"""The tensors in a safetensors file: their shapes, whether they are those of the configuration, prefixes of wrappers.

Only the header of a file is read, except where tensors have to be renamed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from qbench.api import ModelError
from qbench.api.models import cached_folder
from qbench_transformers.find import WEIGHTS, small_files
from qbench_transformers.fingerprint import check_fingerprint

WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What comes before every name where a model was saved in a wrapper: DataParallel, ``torch.compile``, Lightning."""

CONSTANT = ".position_ids"
"""The end of names of constants in older files, which the models compute themselves."""

OTHER_CONFIGURATION = "Use the configuration that was saved with these weights."

PLAIN = ("F64", "F32", "F16", "BF16")
"""Types of weights that are not quantized, as the header of a safetensors file names them."""

Shape = tuple[int, ...]


def tensor_shapes(weights: Path) -> dict[str, Shape]:
    """Name → shape of the tensors in a safetensors file; see `tensor_headers`."""
    return {name: shape for name, (shape, _) in tensor_headers(weights).items()}


def tensor_headers(weights: Path) -> dict[str, tuple[Shape, str]]:
    """Name → shape and type of the tensors in a safetensors file. Reads its header only.

    Raises
    ------
    ModelError
        The file is missing or truncated.
    """
    try:
        with safe_open(weights, framework="numpy") as file:  # "pt" would import torch
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {name: (tuple(x.get_shape()), x.get_dtype()) for name, x in slices.items()}
    except FileNotFoundError:
        raise ModelError("the file is missing", where=str(weights)) from None
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"the weights cannot be read: truncated or damaged ({error})", where=str(weights), fix="Fetch them again."
        ) from None


def wrapper_prefix(names: Iterable[str]) -> str:
    """What wrappers have put before every one of these names; empty where there was none.

    Examples
    --------
    >>> wrapper_prefix(["module._orig_mod.logit_scale", "module._orig_mod.text_projection.weight"])
    'module._orig_mod.'
    >>> wrapper_prefix(["model.logit_scale", "criterion.weight"])
    ''
    """
    rest, prefix = list(names), ""
    while found := next((w for w in WRAPPERS if rest and all(name.startswith(w) for name in rest)), ""):
        rest, prefix = [name.removeprefix(found) for name in rest], prefix + found
    return prefix


def without_wrapper(folder: Path, fingerprint: str) -> Path:
    """The folder itself, or a copy in the cache whose tensors have the names that they had before they were wrapped.

    Parameters
    ----------
    folder : pathlib.Path
        A folder with ``model.safetensors``.
    fingerprint : str
        The fingerprint of its files, which decides the name of the copy.
    """
    prefix = wrapper_prefix(tensor_shapes(folder / WEIGHTS))
    if not prefix:
        return folder

    def write(target: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = {name.removeprefix(prefix): x for name, x in load_file(folder / WEIGHTS).items()}
        save_file(tensors, target / WEIGHTS, metadata={"format": "pt"})
        for path in small_files(folder):
            shutil.copyfile(path, target / path.name)
        check_fingerprint(folder / WEIGHTS, fingerprint)

    decided_by = {"fingerprint": fingerprint, "without": prefix}
    return cached_folder("converted", decided_by, write, size=(folder / WEIGHTS).stat().st_size)


def check_tensors(weights: Path, model: Any, *, quantized: bool) -> None:
    """Raise `ModelError` if a file does not have exactly the tensors of a model.

    transformers ignores tensors for which the configuration has no place, and makes up those that are missing.

    Parameters
    ----------
    weights : pathlib.Path
        A safetensors file.
    model : torch.nn.Module
        The model of the configuration, on the meta device.
    quantized : bool
        Whether the weights are stored quantized. Then a layer has further tensors (scales) and other shapes, so that it
        is only checked that every tensor belongs to a layer.
    """
    kind = type(model).__name__
    headers = {name: x for name, x in tensor_headers(weights).items() if not name.endswith(CONSTANT)}
    found = {name: shape for name, (shape, _) in headers.items()}
    tensors = model.state_dict()
    wanted = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    strange = found.keys() - wanted.keys()
    if quantized:
        layers = {name.removesuffix(".weight") for name, shape in wanted.items() if len(shape) > 1}
        strange = {name for name in strange if not _inside(name, layers)}
    if strange:
        first = min(strange)
        raise ModelError(
            f"{len(strange)} tensors of the file have no place in a {kind} of this configuration, such as {first}",
            where=str(weights),
            fix="Merge the adapter into the weights first." if "lora_" in first else OTHER_CONFIGURATION,
        )
    if quantized:
        return
    missing = wanted.keys() - found.keys()
    if missing:
        raise ModelError(
            f"{len(missing)} tensors of a {kind} are missing, such as {min(missing)}",
            where=str(weights),
            fix=OTHER_CONFIGURATION,
        )
    _check_shapes(weights, found, wanted)
    check_types({n: headers[n][1] for n, x in tensors.items() if x.is_floating_point()}, where=str(weights))


def check_types(types: Mapping[str, str], *, where: str) -> None:
    """Raise `ModelError` if weights are stored quantized where nothing says so.

    Libraries turn whole numbers into floating-point numbers of the same value, without the scale that belongs to them.

    Parameters
    ----------
    types : mapping of str to str
        Name → type of the weights that are floating-point numbers in the model, as safetensors names it.
    where : str
        Their file, for messages.
    """
    for name, kind in sorted(types.items()):
        if kind not in PLAIN:
            raise ModelError(
                f"the tensor {name} is stored as {kind}, so it is quantized, and the configuration does not say how",
                where=where,
                fix="Use the original weights, or the configuration that was saved with these.",
            )


def _inside(name: str, layers: set[str]) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:i]) in layers for i in range(1, len(parts)))


def _check_shapes(weights: Path, found: Mapping[str, Shape], wanted: Mapping[str, Shape]) -> None:
    for name in sorted(wanted):
        if found[name] != wanted[name]:
            raise ModelError(
                f"the tensor {name} is {by(found[name])}, but this configuration has {by(wanted[name])}",
                where=str(weights),
                fix=OTHER_CONFIGURATION,
            )


def by(shape: Iterable[int]) -> str:
    """A shape in words, such as ``2 × 3``."""
    return " × ".join(map(str, shape)) or "a scalar"
