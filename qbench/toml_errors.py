"""What pydantic complains of, in words a person can act on. Used for every TOML file that qbench reads."""

from __future__ import annotations

import difflib
from typing import get_args

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel], what: str) -> str:
    """One line a complaint: the key, what is wrong with it, and a suggestion where the key is unknown.

    Parameters
    ----------
    error : pydantic.ValidationError
        What was raised.
    model : type
        The model that was filled.
    what : str
        What a complaint is about that concerns no single key.
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
        else:
            lines.append(f"{place or what}: {found['msg'].removeprefix('Value error, ')}")
    return "\n".join(dict.fromkeys(lines))


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at a place of a file."""
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
