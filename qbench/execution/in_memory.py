"""A model object that is in memory already → a checkpoint in a folder, named by its content.

A planned task is names and options, never a live object: so it has a key, can be repeated, and can be told from others.
How an object is written is known to its model source.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from qbench.errors import InputError
from qbench.execution.model_names import name_of
from qbench.plugins.registry import Registry
from qbench.store.cache import Cache
from qbench.store.digests import file_digest
from qbench.store.files import PART
from qbench.store.folders import StoredFolder, remove_tree
from qbench.store.lock import locked

SAVING = f".saving{PART}"


def kept(model: Any, processor: Any, cache: Cache, registry: Registry) -> dict[str, Any]:
    """Save a model into the cache, once for the same content.

    Parameters
    ----------
    model : object
        A model that one of the model sources can save, such as a ``CLIPModel`` of transformers. It is not changed.
    processor : object, iterable of objects or None
        What belongs to it, such as its tokenizer and image processor; what that may be, its source says.
    cache : Cache
        Where the folder is made: ``models/<hash of every file>``.
    registry : Registry
        The plugins: each model source says which objects it can save.

    Returns
    -------
    dict
        The model as a spec names it.

    Raises
    ------
    InputError
        No source can save it, or something that belongs to it is missing.
    """
    place = cache.root / "models"
    with locked(place, wait=True):
        temporary = place / SAVING
        remove_tree(temporary)  # of a process that was killed: this one holds the lock
        temporary.mkdir()
        try:
            source = _save(model, processor, temporary, registry)
            digest = _digest(temporary)
            stored = StoredFolder(cache, place / digest[:32], {"content": digest})
            folder = stored.get(lambda empty: _move(temporary, empty))
        finally:
            remove_tree(temporary)
    label = f"{type(model).__name__}-{digest[:8]}"
    return {"source": source, "checkpoint": label, "label": label, "options": {"path": str(folder)}}


def _move(folder: Path, to: Path) -> None:
    for path in folder.iterdir():
        path.rename(to / path.name)


def _save(model: Any, processor: Any, folder: Path, registry: Registry) -> str:
    """Let the first source that can do so write the model; its name."""
    able = [entry for entry in registry.models() if entry.record.save is not None]
    for entry in able:
        if entry.record.save is not None and entry.record.save(model, processor, folder):
            return name_of(entry, registry)
    names = ", ".join(name_of(entry, registry) for entry in able) or "none"
    raise InputError(
        f"a {type(model).__name__} cannot be evaluated from memory: no model source can save it",
        fix=f"Model sources that save objects: {names}. Or give a model's name as in a spec, such as "
        "'openai/ViT-B-32'; or write a model source (docs/plugins.md).",
    )


def _digest(folder: Path) -> str:
    """SHA-256 over names and content of all files."""
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(f"{path.relative_to(folder).as_posix()}\0{file_digest(path)}\n".encode())
    return found.hexdigest()
