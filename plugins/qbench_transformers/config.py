"""Reads the ``config.json`` of a checkpoint, and refuses one by which transformers would run code from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qbench.api import ModelError
from qbench_transformers.preprocessing import read_json

ATTENTION = ("eager", "sdpa")
"""The implementations of attention that are part of transformers and torch. For any other name, transformers imports a
package, or downloads compiled code from the hub (if ``kernels`` is installed), whatever ``trust_remote_code`` is."""
KEYS = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal")


def read_config(path: Path) -> dict[str, Any]:
    """The values of a ``config.json``.

    Raises
    ------
    ModelError
        The file is missing or damaged, or names an implementation of attention other than `ATTENTION`.
    """
    config = read_json(path)
    for name in _implementations(config):
        if name not in ATTENTION:
            raise ModelError(
                f"the configuration asks for the implementation of attention {str(name)[:100]!r}, for which "
                "transformers may download and run code",
                where=str(path),
                fix=f"Remove attn_implementation from the file; what qbench runs is one of {', '.join(ATTENTION)}.",
            )
    return config


def _implementations(config: dict[str, Any]) -> Iterator[Any]:
    """Every name of an implementation: of the whole model and of its parts."""
    todo: list[tuple[bool, Any]] = [(False, config)]
    while todo:
        named, value = todo.pop()
        if isinstance(value, dict):
            todo.extend((named or key in KEYS, inner) for key, inner in value.items())
        elif isinstance(value, list):
            todo.extend((named, inner) for inner in value)
        elif named and value is not None:
            yield value
