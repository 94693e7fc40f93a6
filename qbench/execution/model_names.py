"""How a person names one model: as in a spec, or by the path of a checkpoint → the model as a spec names it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qbench.errors import InputError
from qbench.plugins.records import ModelSource
from qbench.plugins.registry import Entry, Registry
from qbench.spec.model import ModelSpec
from qbench.store.files import user_path
from qbench.toml_errors import explain


def find_model(text: str, registry: Registry, options: Mapping[str, Any] | None = None) -> ModelSpec:
    """``source/checkpoint`` as in a spec, or the path of a checkpoint that a model source recognises.

    Parameters
    ----------
    text : str
        The name or the path. What is not a path on this machine is a source and its checkpoint.
    registry : Registry
        The plugins: each model source says which paths it accepts.
    options : mapping, optional
        Options of the source.

    Raises
    ------
    InputError
        What begins as a path does (``/``, ``~``, ``.``) does not exist, or no source or several sources accept it.
    """
    path = user_path(text)
    if path.exists():
        source = name_of(source_of(path, registry), registry)
        return _spec(text, source=source, checkpoint=path.name, options={"path": str(path), **(options or {})})
    if text.startswith(("/", "~", ".")):
        raise InputError(
            "there is no such folder or file", where=text, fix="Give the path of a checkpoint, or source/checkpoint."
        )
    source, _, checkpoint = text.partition("/")
    return _spec(text, source=source, checkpoint=checkpoint, options=dict(options or {}))


def _spec(text: str, **values: Any) -> ModelSpec:
    try:
        return ModelSpec.model_validate(values)
    except ValidationError as error:
        raise InputError(explain(error, ModelSpec, "the model"), where=text) from None


def source_of(path: Path, registry: Registry) -> Entry[ModelSource]:
    """The one model source that accepts a path; raises `InputError` where there is none, or more than one."""
    asked = [entry for entry in registry.models() if entry.record.accepts_path is not None]
    found = [entry for entry in asked if entry.record.accepts_path is not None and entry.record.accepts_path(path)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(name_of(entry, registry) for entry in found or asked)
    raise InputError(
        f"several model sources accept this path: {names}" if found else "no model source recognises this path",
        where=str(path),
        fix="Name the source, and give the path as an option: SOURCE/NAME --model-option path=PATH."
        + ("" if found else f" Sources that recognise checkpoints by their files: {names or 'none'}."),
    )


def name_of(entry: Entry[ModelSource], registry: Registry) -> str:
    """The name by which a spec can name a model source: bare where that is unambiguous."""
    return entry.qualified if entry.record.name in registry.clashes(registry.models()) else entry.record.name
