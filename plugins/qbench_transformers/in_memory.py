"""Models of transformers that are in memory: recognised by their configuration, and written into a folder.

Nothing of transformers or torch is imported: the objects know how to save themselves.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from qbench.api import InputError
from qbench_transformers.find import SMALL

BESIDE = tuple(name for name in SMALL if name not in ("config.json", "open_clip_config.json"))
"""Files of the folder that a model was loaded from which belong to it, where no processor is given."""


def model_type_of(folder: Path) -> str:
    """What ``config.json`` of a folder says it is, such as ``clip``; empty where there is no such file or word."""
    path = folder / "config.json"
    if not path.is_file():  # to read a pipe would never begin
        return ""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return ""
    return str(found.get("model_type", "")) if isinstance(found, dict) else ""


def save_model(model: Any, processor: Any, folder: Path, model_type: str) -> bool:
    """Write a model of one type into `folder`; see `qbench.api.ModelSource`.

    Parameters
    ----------
    model : object
        Any object.
    processor : object, iterable of objects or None
        What has transformers' ``save_pretrained``: a processor, or a tokenizer and an image processor. If not given,
        the files of the folder that the model was loaded from are taken.
    folder : pathlib.Path
        An empty folder.
    model_type : str
        The type that the source opens, such as ``clip``.

    Returns
    -------
    bool
        Whether the object is a model of this type, and was written.

    Raises
    ------
    InputError
        It is, but there is no tokenizer or no image preprocessing for it.
    """
    found = getattr(getattr(model, "config", None), "model_type", None)
    if found != model_type or not hasattr(model, "save_pretrained"):
        return False
    model.save_pretrained(folder)
    _save_beside(model, processor, folder)
    names = {path.name for path in folder.iterdir()}
    wanted = {
        "image preprocessing": {"preprocessor_config.json", "processor_config.json"},
        "tokenizer": {"tokenizer.json", "tokenizer_config.json"},
    }
    missing = [what for what, files in wanted.items() if not files & names]
    if missing:
        raise InputError(
            f"the model has no {' and no '.join(missing)}",
            fix="Give processor = …: a processor of transformers, or a tokenizer and an image processor.",
        )
    return True


def _save_beside(model: Any, processor: Any, folder: Path) -> None:
    if processor is not None:
        for part in (processor,) if hasattr(processor, "save_pretrained") else processor:
            part.save_pretrained(folder)
        return
    origin = Path(str(getattr(model, "name_or_path", "")))
    for name in BESIDE:
        if origin.parts and (origin / name).is_file():
            shutil.copyfile(origin / name, folder / name)
