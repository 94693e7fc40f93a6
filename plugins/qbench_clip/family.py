"""CLIP's class in transformers, and how a text is cleaned for its tokenizer."""

from __future__ import annotations

import html

from qbench_transformers.checkpoint import Family


def clean_text(text: str) -> str:
    """OpenAI's cleaning before its tokenizer: repairs broken encodings and curly quotes, and resolves HTML entities.

    open_clip does the same. transformers' fast tokenizer does not, so that ``it’s`` and ``&amp;`` would become other
    tokens than in training.
    """
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


CLIP = Family(model_type="clip", architecture="CLIPModel", clean=clean_text)
