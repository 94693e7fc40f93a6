"""A model object that is in memory already → a checkpoint in a folder, named by its content.

A planned task is names and options, never a live object: so that it has a key, can be repeated, and can be told apart
from the next one. transformers' objects know how to save themselves; nothing of transformers or torch is imported here.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from qbench.errors import InputError
from qbench.store.cache import Cache
from qbench.store.lock import locked

SOURCES = ("clip", "siglip")
"""Model types of transformers whose model source is called alike."""

BESIDE = (
    *("preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "vocab.json", "merges.txt", "spiece.model"),
)
"""Files of the folder that a model was loaded from which belong to it, where no processor is given."""


def kept(model: Any, processor: Any, cache: Cache) -> dict[str, Any]:
    """Save a model into the cache, once for the same content.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A ``CLIPModel`` or ``SiglipModel``. Not changed.
    processor : object, iterable of objects or None
        What has transformers' ``save_pretrained``: a processor, or a tokenizer and an image processor. If not given,
        the files of the folder that the model was loaded from are taken.
    cache : Cache
        Where the folder is made: ``models/<hash of every file>``.

    Returns
    -------
    dict
        The model as a spec names it.

    Raises
    ------
    InputError
        It is no such model, or there is no tokenizer or preprocessing for it.
    """
    kind = getattr(getattr(model, "config", None), "model_type", None)
    if kind not in SOURCES or not hasattr(model, "save_pretrained"):
        raise InputError(
            f"a {type(model).__name__} is no model that can be evaluated from memory",
            fix="Give a CLIPModel or a SiglipModel of transformers; or a model's name as in a spec, such as "
            "'openai/ViT-B-32'; or write a model source (docs/plugins.md).",
        )
    place = cache.root / "models"
    with locked(place, wait=True):
        temporary = Path(tempfile.mkdtemp(dir=place, prefix=".saving-"))
        try:
            model.save_pretrained(temporary)
            _save_beside(model, processor, temporary)
            digest = _digest(temporary)
            folder = place / digest[:32]
            if not folder.exists():
                temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    label = f"{type(model).__name__}-{digest[:8]}"
    return {"source": kind, "checkpoint": label, "label": label, "options": {"path": str(folder)}}


def _save_beside(model: Any, processor: Any, folder: Path) -> None:
    if processor is not None:
        for part in (processor,) if hasattr(processor, "save_pretrained") else processor:
            part.save_pretrained(folder)
    else:
        origin = Path(str(getattr(model, "name_or_path", "")))
        for name in BESIDE:
            if origin.parts and (origin / name).is_file():
                shutil.copyfile(origin / name, folder / name)
    names = {path.name for path in folder.iterdir()}
    missing = [
        what
        for what, files in (
            ("image preprocessing", {"preprocessor_config.json", "processor_config.json"}),
            ("tokenizer", {"tokenizer.json", "tokenizer_config.json"}),
        )
        if not files & names
    ]
    if missing:
        raise InputError(
            f"the model has no {' and no '.join(missing)}",
            fix="Give processor = …: a CLIPProcessor, or a tokenizer and an image processor.",
        )


def _digest(folder: Path) -> str:
    """SHA-256 over names and content of all files."""
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        found.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return found.hexdigest()
