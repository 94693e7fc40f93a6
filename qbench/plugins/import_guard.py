"""Packages that take seconds to import, and which of them are imported so far.

Every command that lists or plans imports the module that a plugin's entry point names. A plugin that imports torch at
the top of this module makes every command slow, so `qbench plugins` names it.
"""

from __future__ import annotations

import sys

HEAVY = frozenset(
    {
        *("torch", "torchvision", "torchaudio", "torchao", "transformers", "open_clip", "bitsandbytes", "timm"),
        *(
            "accelerate",
            "tensorflow",
            "jax",
            "onnxruntime",
            "onnx",
            "openvino",
            "nncf",
            "datasets",
            "cv2",
            "matplotlib",
            "altair",
        ),
        *("pandas", "polars", "scipy", "sklearn", "statsmodels", "pyarrow"),
    }
)
"""Top-level packages that the module of an entry point may not import."""


def imported_now() -> frozenset[str]:
    """The heavy packages that this process has imported so far."""
    return HEAVY & sys.modules.keys()
