"""Words of a command line → parts of a spec: options as ``name=value``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import Any

from qbench.errors import InputError
from qbench.spec.model import QuantizerSpec


def read_quantizer(name: str, options: Iterable[str]) -> QuantizerSpec:
    """A quantizer with ``name=value`` options; raises as `read_options` does."""
    return QuantizerSpec(name=name, options=read_options(options))


def read_options(options: Iterable[str], *, where: str = "--option") -> dict[str, Any]:
    """Options of the form ``name=value``.

    A value is read as in TOML (``0.5``, ``true``, ``["*.fc2"]``); what is not a TOML value is a text (``image``).

    Parameters
    ----------
    options : iterable of str
        What was given.
    where : str
        The option of the command line that they were given with, for messages.

    Raises
    ------
    InputError
        An option has no ``=``, or is given more than once.

    Examples
    --------
    >>> read_options(["bits=4", "towers=image"])
    {'bits': 4, 'towers': 'image'}
    """
    values: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        key = key.strip()
        if not equals or not key:
            raise InputError(f"{option!r} is not an option", where=where, fix="Write it as name=value.")
        if key in values:
            raise InputError(f"{key!r} is given more than once", where=where)
        values[key] = _value(value.strip())
    return values


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
