"""CLIP's class in transformers, and how a text is cleaned for its tokenizer."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from qbench_transformers.checkpoint import Family

if TYPE_CHECKING:
    import torch

ANY_END = 2
"""The ``eos_token_id`` of many older checkpoints, which stands for the token with the highest id."""


def clean_text(text: str) -> str:
    """OpenAI's cleaning before its tokenizer: repairs broken encodings and curly quotes, and resolves HTML entities.

    open_clip does the same. transformers' fast tokenizer does not, so that ``it’s`` and ``&amp;`` would become other
    tokens than in training.
    """
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def end_of_text(config: Any, tokens: torch.Tensor) -> torch.Tensor:
    """The place at which ``CLIPTextModel`` of transformers reads the embedding of each text.

    It is the first end token. A text without an end token is read at its first token.
    """
    end: int = config.eos_token_id
    return tokens.argmax(dim=1) if end == ANY_END else (tokens == end).int().argmax(dim=1)


CLIP = Family(
    model_type="clip",
    architecture="CLIPModel",
    tokenizer=(("tokenizer.json",), ("vocab.json", "merges.txt")),
    clean=clean_text,
    end_of=end_of_text,
)
