"""Words of a command line → parts of a spec: a model, and options as ``name=value``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qbench.errors import InputError
from qbench.spec.model import ModelSpec, QuantizerSpec


def read_model(text: str) -> ModelSpec:
    """``source/checkpoint`` as in a spec, or the path of a CLIP checkpoint.

    A path has to be there: a name with a slash that is none is a source and its checkpoint.

    Raises
    ------
    InputError
        What begins as a path does (``/``, ``~``, ``.``) leads nowhere.
    """
    path = Path(text).expanduser()
    if path.exists():
        path = path.resolve()
        return ModelSpec(source="clip", checkpoint=path.name, options={"path": str(path)})
    if text.startswith(("/", "~", ".")):
        raise InputError(
            "there is no such folder or file", where=text, fix="Give the path of a checkpoint, or source/checkpoint."
        )
    source, _, checkpoint = text.partition("/")
    return ModelSpec(source=source, checkpoint=checkpoint)


def read_quantizer(name: str, options: Iterable[str]) -> QuantizerSpec:
    """A quantizer with ``name=value`` options; raises as `read_options` does."""
    return QuantizerSpec(name=name, options=read_options(options))


def read_options(options: Iterable[str]) -> dict[str, Any]:
    """Options of the form ``name=value``.

    A value is read as TOML has it (``0.5``, ``true``, ``["*.fc2"]``); what is no TOML value is a text (``image``).

    Raises
    ------
    InputError
        An option has no ``=``, or is given twice.
    """
    values: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        key = key.strip()
        if not equals or not key:
            raise InputError(f"{option!r} is not an option", where="--option", fix="Write it as name=value.")
        if key in values:
            raise InputError(f"{key!r} is given twice", where="--option")
        values[key] = _value(value.strip())
    return values


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
