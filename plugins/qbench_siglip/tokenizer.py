"""SigLIP's tokenizer has to be the one it was trained with; what would quietly be another is refused."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from qbench.api import ModelError
from qbench_transformers.preprocessing import read_json

NEEDS = {"sentencepiece": "sentencepiece", "google.protobuf": "protobuf"}
"""Modules, and the distributions they come from."""


def check_tokenizer(folder: Path) -> None:
    """Raise `ModelError` where transformers would go on with other tokens than the model's.

    Without sentencepiece it falls back to a plain ``tokenizer.json``, which does not lower the case and drop the
    punctuation as SigLIP's does. And SigLIP 2 has the tokenizer of Gemma, on whose cleaning its implementations
    differ (lower case only, or without punctuation too).
    """
    kind = str(read_json(folder / "tokenizer_config.json").get("tokenizer_class", ""))
    if kind.startswith(("Gemma", "Siglip2")):
        raise ModelError(
            f"the tokenizer is a {kind}: this is SigLIP 2, which qbench does not know yet", where=str(folder)
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
    except ModuleNotFoundError:  # the package that should hold it is not there either
        return False
