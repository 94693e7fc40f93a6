"""Turning the options of a spec into a record's options dataclass, and back.

Options are checked before anything heavy is imported: unknown names get a suggestion, values are converted and checked
by pydantic against the annotations of the dataclass.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from qbench.errors import InputError

DECIDES_NOTHING: Mapping[str, bool] = MappingProxyType({"decides": False})
"""Metadata of an option's field that changes no result, such as a bound of memory: it is in no key, no label and no
record, so that results with different values are the same result."""


def make_options(kind: type, values: Mapping[str, Any], *, where: str) -> Any:
    """An instance of the options dataclass `kind`.

    Parameters
    ----------
    kind : type
        A frozen dataclass.
    values : mapping
        Names and plain values, as a TOML file has them (lists become tuples where the annotation says so).
    where : str
        What the options belong to, for the message.

    Raises
    ------
    InputError
        An unknown name or a wrong value.
    """
    import pydantic

    known = [f.name for f in dataclasses.fields(kind)]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise InputError(
                f"unknown option {name!r}", where=where, fix=f"{hint}Options: {', '.join(known) or 'none'}."
            )
    try:
        return pydantic.TypeAdapter(kind).validate_python(dict(values))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"option {name!r}: {message}" if name else message, where=where) from None


def options_dict(options: Any) -> dict[str, Any]:
    """Options that decide a result, as plain JSON-able values, defaults included; tuples become lists."""
    return {
        f.name: _plain(getattr(options, f.name)) for f in dataclasses.fields(options) if f.metadata.get("decides", True)
    }


def changed_options(options: Any) -> dict[str, Any]:
    """Only the options that differ from their defaults: what a label has to show."""
    defaults = options_dict(type(options)())
    return {name: value for name, value in options_dict(options).items() if defaults[name] != value}


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value
