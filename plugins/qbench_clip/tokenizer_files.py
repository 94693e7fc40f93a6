"""Writes CLIP's tokenizer as the files that transformers reads, from the list of merges in open_clip."""

from __future__ import annotations

import gzip
import json
from importlib.util import find_spec
from pathlib import Path

from qbench.api import ModelError

MERGES = 49_152 - 256 - 2
"""The number of merges that CLIP uses; with 2 × 256 letters and two special tokens they make 49,408 tokens."""

VOCABULARY = 2 * 256 + MERGES + 2

START, END = "<|startoftext|>", "<|endoftext|>"


def write_clip_tokenizer(folder: Path, context_length: int) -> None:
    """Write ``vocab.json``, ``merges.txt`` and ``tokenizer_config.json`` of OpenAI's CLIP (49,408 entries)."""
    package = find_spec("open_clip")
    if package is None or package.origin is None:
        raise ModelError("CLIP's list of merges comes with open_clip", fix="pip install open_clip_torch")
    lines = gzip.decompress((Path(package.origin).parent / "bpe_simple_vocab_16e6.txt.gz").read_bytes()).decode()
    merges = lines.split("\n")[1 : MERGES + 1]
    letters = list(_byte_letters().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(m.split()) for m in merges), START, END]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": context_length}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


def _byte_letters() -> dict[int, str]:
    """A printable letter for each byte, as in GPT-2: first the bytes that are printable and stand for themselves."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(rest)}}
