"""CLIP among the dual encoders: its class, and how a text is cleaned for it."""

from __future__ import annotations

import html

from qbench_transformers.checkpoint import Family


def clean_text(text: str) -> str:
    """OpenAI's cleaning before its tokenizer: broken encodings and curly quotes mended, HTML entities resolved.

    open_clip does it too; transformers' fast tokenizer does not, so that ``it’s`` and ``&amp;`` would be other tokens
    than those the model was trained with.
    """
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


CLIP = Family(model_type="clip", architecture="CLIPModel", clean=clean_text)
