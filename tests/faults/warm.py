"""Imports all that a command of the study imports, so that a process that is forked from one with it starts at once.

Nothing is computed here: a process that is forked must not lack a thread that its parent had.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pkgutil
from contextlib import suppress
from importlib.metadata import entry_points

os.environ["HF_HUB_OFFLINE"] = "1"  # read when it is imported
LIBRARIES = ("torch", "torchvision", "transformers.models.clip.modeling_clip", "safetensors.torch", "bitsandbytes")
LIBRARIES += ("accelerate", "pandas", "pyarrow.parquet", "scipy.stats", "scipy.optimize", "jinja2")
LIBRARIES += ("PIL.PngImagePlugin",)


def _import_all(package: str) -> None:
    """Import what can be imported here of a package, without what is for tests of plugins and what runs when it is."""
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not module.name.startswith("qbench.testing") and not module.name.endswith("__main__"):
            with suppress(ModuleNotFoundError):  # a library that is not installed, which only this plugin needs
                importlib.import_module(module.name)


for name in LIBRARIES:
    importlib.import_module(name)
for name in ("qbench", *sorted({point.value.split(".")[0] for point in entry_points(group="qbench")})):
    _import_all(name)
gc.collect()
gc.freeze()  # what a child's collector does not visit need not be copied for it
atexit.register(gc.unfreeze)  # or triton says of all its objects that they leaked when this process ends
