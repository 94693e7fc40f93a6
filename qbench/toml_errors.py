"""Turns pydantic's validation errors into messages that a user can act on, for every TOML file that qbench reads."""

from __future__ import annotations

import difflib
from typing import get_args

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel], what: str) -> str:
    """What is wrong, by key, with a suggestion if a key is unknown; several errors are numbered, one per line.

    Parameters
    ----------
    error : pydantic.ValidationError
        The error.
    model : type
        The pydantic model that validated the file.
    what : str
        The subject of an error that concerns no single key, such as "the spec".

    Returns
    -------
    str
        Each error once. They stay apart where a message is put on one line.

    Examples
    --------
    >>> class Spec(BaseModel, extra="forbid"):
    ...     models: list[str]
    ...     limit: int = 0
    >>> try:
    ...     Spec.model_validate({"model": ["demo/balanced"], "limit": "ten"})
    ... except ValidationError as error:
    ...     print(explain(error, Spec, "the spec"))
    3 errors:
    (1) the key 'models' is missing
    (2) limit: Input should be a valid integer, unable to parse string as an integer
    (3) unknown key 'model'; did you mean 'models'?
    """
    lines = []
    for found in error.errors():
        place = ".".join(str(part) for part in found["loc"])
        if found["type"] == "extra_forbidden":
            names = _keys_at(model, found["loc"][:-1])
            close = difflib.get_close_matches(str(found["loc"][-1]), names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"
            lines.append(f"unknown key {place!r}{hint}")
        elif found["type"] == "missing" and isinstance(found["loc"][-1], int):
            lines.append(f"{place.rpartition('.')[0]}: there are too few values")
        elif found["type"] == "missing":
            lines.append(f"the key {place!r} is missing")
        elif found["type"] in ("dict_type", "model_type", "model_attributes_type"):
            lines.append(f"{place or what}: it has to be a table, such as {{ key = value }}")
        else:
            lines.append(f"{place or what}: {found['msg'].removeprefix('Value error, ')}")
    errors = list(dict.fromkeys(lines))
    if len(errors) == 1:
        return errors[0]
    return "\n".join([f"{len(errors)} errors:", *(f"({i}) {line}" for i, line in enumerate(errors, start=1))])


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are valid at a place in the file."""
    kind = model
    for part in location:
        if isinstance(part, str) and part in kind.model_fields:
            inner = _models(kind.model_fields[part].annotation)
            kind = inner[0] if inner else kind
    return list(kind.model_fields)


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
