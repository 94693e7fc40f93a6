"""The files of a generative model: what is read, and the fingerprint of it. Weights may be split into several files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qbench.api import ModelError
from qbench.api.models import file_digests, key_of
from qbench_transformers.find import SMALL, fetch, small_files, weights_in
from qbench_transformers.fingerprint import check_content
from qbench_transformers.preprocessing import read_json

INDEX = "model.safetensors.index.json"
"""Names the file of each tensor where the weights are split."""

WEIGHTS = ("model.safetensors", INDEX)
"""Only safetensors are read."""

OTHERS = (
    *SMALL,
    "chat_template.jinja",
    "chat_template.json",
    "tokenizer.model",
    "video_preprocessor_config.json",
    "vocab.txt",
)
"""The files that decide an answer in addition to the weights."""


def find_folder(checkpoint: str, path: str, revision: str) -> Path:
    """The folder of a checkpoint: the one that is named, or that of a hub ID, which is downloaded if it is missing.

    Parameters
    ----------
    checkpoint : str
        The hub ID; not used with `path`.
    path : str
        A folder on this machine, or empty.
    revision : str
        The branch, tag or commit of the hub ID, or empty for the default one.

    Raises
    ------
    ModelError
        There are no weights that can be used.
    """
    if path:
        folder = Path(path).expanduser()
    else:
        folder = fetch(checkpoint, revision, WEIGHTS, also=(*OTHERS, "model-*-of-*.safetensors"))
    weights_in(folder, WEIGHTS)
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The files of the weights, in the order of their names.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of a checkpoint.

    Raises
    ------
    ModelError
        A file is missing that the index names, or the index names a file outside of the folder.
    """
    weights = weights_in(folder, WEIGHTS)
    if weights.name != INDEX:
        return [weights]
    named = read_json(weights).get("weight_map")
    names = sorted({str(name) for name in named.values()}) if isinstance(named, dict) else []
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelError(f"{name!r} is not the name of a file of weights in this folder", where=str(weights))
        if not (folder / name).is_file():
            raise ModelError(
                "a file of the weights is missing", where=str(folder / name), fix="Download the checkpoint again."
            )
    if not names:
        raise ModelError("the index names no file of weights", where=str(weights))
    return [folder / name for name in names]


def files_of(folder: Path) -> list[Path]:
    """All files that are read: weights, their index, and the configuration and tokenizer files.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of a checkpoint.

    Raises
    ------
    ModelError
        As `weight_files`.
    """
    index = [folder / INDEX] if weights_in(folder, WEIGHTS).name == INDEX else []
    return [*weight_files(folder), *index, *small_files(folder, OTHERS)]


def fingerprint_of(folder: Path, options: Mapping[str, Any]) -> str:
    """The hash (SHA-256, hex) of all files that are read, and of the options that decide an answer.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of a checkpoint.
    options : mapping
        Name → value of the options that decide an answer.

    Raises
    ------
    ModelError
        A file is missing or damaged.
    """
    files = files_of(folder)
    for path in files:
        check_content(path)
    digests = dict(zip([path.name for path in files], file_digests(files), strict=True))
    return key_of({"files": digests, "options": dict(options)})
