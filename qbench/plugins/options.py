"""Conversion of the options of a spec into the options dataclass of a record, and back.

Options are checked before anything heavy is imported: an unknown name gets a suggestion, and pydantic converts and
checks the values by the annotations of the dataclass.
"""

from __future__ import annotations

import dataclasses
import difflib
import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qbench.errors import InputError, RenamedWarning
from qbench.store.files import user_path

if TYPE_CHECKING:
    from pydantic import TypeAdapter

DECIDES_NOTHING: Mapping[str, bool] = MappingProxyType({"decides": False})
"""Metadata for the field of an option that changes no result, such as a memory limit. The option is left out of keys,
labels and records, so results with different values of it are the same result."""


FILES: Mapping[str, bool] = MappingProxyType({"files": True})
"""Metadata of an option's field (a text, or a tuple of texts) that names files or folders of the user's. What is in
them decides a result, where they are does not: keys have the digest of the content in place of the path, labels and
records show the last name only, and a relative path in a spec is relative to the spec's file. A text may be empty."""


def renamed_from(former: str) -> Mapping[str, str]:
    """Metadata of an option's field that had another name, which still works.

    The user is warned. The label and the keys of a result do not depend on the name that was used.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Options:
    ...     image: str = dataclasses.field(default="crop", metadata=renamed_from("view"))
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     make_options(Options, {"view": "full"}, where="benchmark facet")
    Options(image='full')
    """
    return MappingProxyType({"renamed_from": former})


def with_present_names(
    values: Mapping[str, Any], former: Mapping[str, str], *, where: str, warn: bool = True
) -> dict[str, Any]:
    """Replace former names of options or keys by the present ones.

    Parameters
    ----------
    values : mapping
        Names and values, as the user wrote them.
    former : mapping of str to str
        Former name → present name.
    where : str
        What the names belong to, for the warning.
    warn : bool
        Whether the user is warned.

    Raises
    ------
    InputError
        Both names of one thing are given.
    """
    found = dict(values)
    for old, new in former.items():
        if old not in found:
            continue
        if new in found:
            raise InputError(f"{old!r} is the former name of {new!r}, and both are given", where=where)
        found[new] = found.pop(old)
        if not warn:
            continue
        # The same place each time, so that Python shows it once, however often a spec is read.
        warnings.warn(
            f"{where}: {old!r} is now called {new!r}; the former name still works, but will be removed",
            RenamedWarning,
            stacklevel=1,
        )
    return found


def make_options(kind: type, values: Mapping[str, Any], *, where: str, warn: bool = True) -> Any:
    """Make an instance of the options dataclass `kind`.

    Parameters
    ----------
    kind : type
        A frozen dataclass. A field may have the metadata of `renamed_from`.
    values : mapping
        Names and plain values, as in a TOML file (lists become tuples where the annotation says so).
    where : str
        What the options belong to, for the message.
    warn : bool
        Whether the user is warned of former names; not of those that an earlier version has stored.

    Raises
    ------
    InputError
        A name is unknown or a value is wrong.
    """
    import pydantic

    fields = dataclasses.fields(kind)
    former = {f.metadata["renamed_from"]: f.name for f in fields if "renamed_from" in f.metadata}
    values = with_present_names(values, former, where=where, warn=warn)
    known = [f.name for f in fields]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise InputError(
                f"unknown option {name!r}", where=where, fix=f"{hint}Options: {', '.join(known) or 'none'}."
            )
    try:
        options: Any = _validator(kind).validate_python(values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"option {name!r}: {message}" if name else message, where=where) from None
    for name, value in values.items():
        if _converted(value, getattr(options, name)):
            raise InputError(f"option {name!r}: {value!r} is a value of another type", where=where)
    return options


@lru_cache(maxsize=256)
def _validator(kind: type) -> TypeAdapter[Any]:
    """What validates options of a kind: made once, since making it takes most of the time of reading them."""
    import pydantic

    return pydantic.TypeAdapter(kind)


def _converted(given: Any, value: Any) -> bool:
    """Whether a value was made of one of another type: a number of a text, or of true or false, an integer of 8.0."""
    if isinstance(given, (list, tuple)) and isinstance(value, (list, tuple)):
        return any(_converted(one, other) for one, other in zip(given, value, strict=False))
    if isinstance(given, Mapping) and isinstance(value, Mapping):
        return any(_converted(given.get(name), value[name]) for name in value)
    if isinstance(given, float) and isinstance(value, int):
        return True
    if isinstance(given, bool) and value is None:  # which a check of the options made of it
        return True
    plain = (bool, str)
    return any(isinstance(given, kind) != isinstance(value, kind) for kind in plain) and isinstance(
        value, (bool, int, float, str)
    )


def options_dict(options: Any) -> dict[str, Any]:
    """The options that decide a result, defaults included, as plain values for JSON; tuples become lists."""
    return {
        f.name: _plain(getattr(options, f.name)) for f in dataclasses.fields(options) if f.metadata.get("decides", True)
    }


def public_options(options: Any) -> dict[str, Any]:
    """The options as labels and records show them: of a file or a folder only the last name.

    Examples
    --------
    >>> from dataclasses import dataclass, field
    >>> @dataclass(frozen=True)
    ... class Options:
    ...     table: str = field(default="", metadata=FILES)
    ...     bits: int = 8
    >>> public_options(Options(table="/home/me/scales.json"))
    {'table': 'scales.json', 'bits': 8}
    """
    files = file_options(type(options))
    return {name: _last_name(x) if name in files else x for name, x in options_dict(options).items()}


def changed_options(options: Any) -> dict[str, Any]:
    """Only the options that differ from their defaults, as a label has to show them."""
    defaults = public_options(type(options)())
    return {name: value for name, value in public_options(options).items() if defaults[name] != value}


def file_options(kind: type) -> tuple[str, ...]:
    """Names of the options that name files or folders (`FILES`)."""
    return tuple(f.name for f in dataclasses.fields(kind) if f.metadata.get("files", False))


def option_paths(options: Any) -> dict[str, tuple[Path, ...]]:
    """Name of an option → the files or folders that it names; options that name none are left out."""
    named = {name: getattr(options, name) for name in file_options(type(options))}
    texts = {name: (value,) if isinstance(value, str) else tuple(value or ()) for name, value in named.items()}
    return {name: tuple(Path(text) for text in found if text) for name, found in texts.items() if any(found)}


def absolute_options(options: Any, base: Path) -> Any:
    """The same options with the relative paths among them resolved against the folder `base`."""
    paths = {name: getattr(options, name) for name in option_paths(options)}
    return dataclasses.replace(options, **{name: _absolute(value, base) for name, value in paths.items()})


def _absolute(value: Any, base: Path) -> Any:
    if isinstance(value, str):
        return str(user_path(value, base=base)) if value else value
    return tuple(_absolute(text, base) for text in value)


def _last_name(value: Any) -> Any:
    return Path(value).name if isinstance(value, str) else [_last_name(text) for text in value or ()]


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return value
