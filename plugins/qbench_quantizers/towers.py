"""Which encoder a layer belongs to."""

from __future__ import annotations

from typing import Literal


def tower_of(name: str) -> Literal["image", "text", "shared"]:
    """The encoder that a layer belongs to, by the names that transformers' dual encoders use."""
    head = name.split(".", 1)[0]
    if head.startswith(("vision", "visual", "image")):
        return "image"
    return "text" if head.startswith("text") else "shared"
