"""Packages that cost seconds to import, and who imports them too early.

A plugin's light module is imported by every command that lists or plans. One that imports torch at its top makes all of
them wait, whoever wrote them; so it is named.
"""

from __future__ import annotations

import sys

HEAVY = frozenset(
    {
        *("torch", "torchvision", "torchaudio", "torchao", "transformers", "open_clip", "bitsandbytes", "timm"),
        *("accelerate", "tensorflow", "jax", "onnxruntime", "onnx", "datasets", "cv2", "matplotlib", "altair"),
        *("pandas", "polars", "scipy", "sklearn", "statsmodels", "pyarrow"),
    }
)
"""Top-level modules that a plugin's light module may not import."""


def imported_now() -> frozenset[str]:
    """The heavy packages that this process has imported so far."""
    return HEAVY & sys.modules.keys()
