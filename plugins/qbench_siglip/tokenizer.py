"""Checks that transformers will load the tokenizer with which SigLIP was trained, and not another one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from qbench.api import ModelError
from qbench_transformers.preprocessing import read_json

NEEDS = {"sentencepiece": "sentencepiece", "google.protobuf": "protobuf"}
"""Modules that the tokenizer needs, and their distributions."""


def check_tokenizer(folder: Path) -> None:
    """Raise `ModelError` if transformers would use other tokens than those of training.

    Without sentencepiece, transformers falls back to ``tokenizer.json``, which keeps upper case and punctuation, unlike
    SigLIP's tokenizer. SigLIP 2 has the tokenizer of Gemma, and its implementations clean texts in
    different ways (lower case only, or without punctuation too).
    """
    kind = str(read_json(folder / "tokenizer_config.json").get("tokenizer_class", ""))
    if kind.startswith(("Gemma", "Siglip2")):
        raise ModelError(
            f"the tokenizer is a {kind}: this is SigLIP 2, which qbench does not support", where=str(folder)
        )
    if not kind.startswith("Siglip"):
        return
    if not (folder / "spiece.model").is_file():
        raise ModelError("the file is missing", where=str(folder / "spiece.model"))
    missing = [distribution for module, distribution in NEEDS.items() if not _there(module)]
    if missing:
        raise ModelError(
            "SigLIP's tokenizer cannot be read on this machine",
            where=str(folder),
            fix=f"pip install {' '.join(missing)}",
        )


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package of the module is missing too
        return False
