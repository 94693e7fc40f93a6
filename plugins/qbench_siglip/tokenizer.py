"""Checks that transformers will load the tokenizer with which SigLIP or SigLIP 2 was trained, and not another one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from qbench.api import ModelError
from qbench_transformers.preprocessing import read_json

NEEDS = {"sentencepiece": "sentencepiece", "google.protobuf": "protobuf"}
"""Modules that the tokenizer needs, and their distributions."""


def is_second(folder: Path) -> bool:
    """Whether the tokenizer is that of SigLIP 2: Gemma's, whose texts have to be in lower case."""
    return _kind(folder).startswith(("Gemma", "Siglip2"))


def in_lower_case(text: str) -> str:
    """The text as SigLIP 2 was trained with it.

    Its authors say that captions have to be in lower case (google-research/big_vision, issue 187), and transformers'
    ``Siglip2Tokenizer`` does the same; Gemma's tokenizer, which checkpoints name, does not. open_clip also removes
    punctuation, as for the first SigLIP; this is not done here.
    """
    return text.lower()


def check_tokenizer(folder: Path) -> None:
    """Raise `ModelError` if transformers would use other tokens than those of training.

    Without sentencepiece, transformers falls back to ``tokenizer.json``, which keeps upper case and punctuation, unlike
    SigLIP's tokenizer. Gemma's tokenizer pads on the left unless its files say otherwise; SigLIP 2 was trained with
    padding on the right, and it sees the padding.
    """
    kind = _kind(folder)
    if is_second(folder):
        if read_json(folder / "tokenizer_config.json").get("padding_side") != "right":
            raise ModelError(
                "the tokenizer does not pad texts on the right, as SigLIP 2 was trained",
                where=str(folder / "tokenizer_config.json"),
                fix='Use the files of the original checkpoint, in which padding_side is "right".',
            )
        return
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


def _kind(folder: Path) -> str:
    return str(read_json(folder / "tokenizer_config.json").get("tokenizer_class", ""))


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package of the module is missing too
        return False
