"""Converts CLIP weights in other formats to a folder that transformers opens as a ``CLIPModel``.

Some hub pages (DataComp's B/32 and B/16) have weights in open_clip's format only, and a quantizer finds other layers in
open_clip's own model, whose attention keeps q, k and v in one parameter. A conversion is stored in the cache folder,
under a key with the version of this converter.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from qbench.api import ModelError
from qbench.api.models import cached_folder
from qbench_clip.family import CLIP
from qbench_clip.settings import preprocessor_config, transformers_config
from qbench_clip.tokenizer_files import VOCABULARY, write_clip_tokenizer
from qbench_transformers.find import WEIGHTS
from qbench_transformers.fingerprint import check_fingerprint
from qbench_transformers.folder import TOKENIZER
from qbench_transformers.preprocessing import read_json, write_json
from qbench_transformers.tensors import without_wrapper

VERSION = 4
"""Part of the name of every conversion: raise it when the files that come out would change."""

CONFIGURATION = ("config.json", "preprocessor_config.json", "processor_config.json")


def as_transformers_folder(weights: Path, fingerprint: str, settings: dict[str, Any] | None = None) -> Path:
    """The checkpoint's own folder if it can be loaded without a conversion, otherwise its conversion in the cache.

    Parameters
    ----------
    weights : pathlib.Path
        The weight file; its configuration and tokenizer are in the same folder.
    fingerprint : str
        The fingerprint of all its files, which decides the name of the conversion.
    settings : dict, optional
        open_clip's ``model_cfg`` and ``preprocess_cfg``, if they do not come from a file. The tokenizer is then CLIP's
        own, and other files in the folder are not read.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ModelError
        The weights are damaged or of another architecture.
    """
    if settings is None and weights.name == WEIGHTS:
        return without_wrapper(weights.parent, fingerprint)
    decided_by = {"fingerprint": fingerprint, "converter": VERSION}

    def write(target: Path) -> None:
        _convert(weights, settings, target)
        check_fingerprint(weights, fingerprint, settings=settings)

    return cached_folder("converted", decided_by, write, size=weights.stat().st_size)


def _convert(weights: Path, settings: dict[str, Any] | None, target: Path) -> None:
    from safetensors.torch import save_file

    from qbench_clip.tensors import as_clip_model, read_weights

    beside = [] if settings is not None else [n for n in TOKENIZER if (weights.parent / n).is_file()]
    tensors = read_weights(weights)
    if settings is None and weights.name.startswith("open_clip"):
        settings = read_json(weights.parent / "open_clip_config.json")
    if settings is None:  # transformers' format, with the tensors in a pickle
        beside += [n for n in CONFIGURATION if (weights.parent / n).is_file()]
        CLIP.check(weights.parent / "config.json")
        config = read_json(weights.parent / "config.json")
    else:
        config = _settings_as_files(settings, target, tokenizer=not beside, where=str(weights.parent))
    for name in beside:
        shutil.copyfile(weights.parent / name, target / name)
    tensors = as_clip_model(tensors, config, where=str(weights))
    plain = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file(plain, target / WEIGHTS, metadata={"format": "pt"})


def _settings_as_files(settings: dict[str, Any], target: Path, *, tokenizer: bool, where: str) -> dict[str, Any]:
    try:
        model = settings["model_cfg"]
        config, images = transformers_config(model), preprocessor_config(settings)
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"open_clip_config.json lacks a setting, or it is wrong ({error})", where=where) from None
    write_json(target / "config.json", config)
    write_json(target / "preprocessor_config.json", images)
    if tokenizer:
        if config["text_config"]["vocab_size"] != VOCABULARY:
            raise ModelError("the tokenizer files are missing, and the vocabulary is not CLIP's", where=where)
        write_clip_tokenizer(target, config["text_config"]["max_position_embeddings"])
    return config
