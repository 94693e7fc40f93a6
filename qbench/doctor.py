"""Checks whether this machine is ready. Each check says what it found and, if something is wrong, what to do."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qbench.plugins.registry import installed
from qbench.store.cache import cache_folder
from qbench.store.files import write_text

TORCHVISION_MISMATCH = "torchvision::nms does not exist"
"""The error of a torchvision that was built for another torch, when it is imported."""

IMPORTED = ("torch", "torchvision", "open_clip", "transformers", "bitsandbytes", "accelerate", "scipy", "pandas")
LOW_DISK = 8 * 2**30
"""Free bytes below which a note is given: the 50,000 images of ImageNet, decoded at 224 pixels, take 7 GiB."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding.

    Attributes
    ----------
    name : str
        What was checked.
    state : {"ok", "note", "broken"}
        ``broken`` if qbench cannot work like this.
    found : str
        What was found.
    fix : str
        What to do about it.
    """

    name: str
    state: Literal["ok", "note", "broken"]
    found: str
    fix: str = ""


def checks() -> Iterator[Check]:
    """Check this machine; each finding is yielded as soon as it is made."""
    yield Check(name="Python", state="ok", found=sys.version.split()[0])
    for name in IMPORTED:
        yield _import(name)
    for check in (_devices, _cache, _hub, _data):
        yield _guarded(check)
    yield _plugins()


def explain_import_error(name: str, error: BaseException) -> Check:
    """The finding for a package that cannot be imported, with the fix if the cause is known."""
    message = f"{type(error).__name__}: {error}"
    if TORCHVISION_MISMATCH in message:
        fix = "torchvision was built for another torch. Install both together: pip install --upgrade torch torchvision"
    elif isinstance(error, ImportError):
        fix = f"pip install {name}" if isinstance(error, ModuleNotFoundError) else "Install the package again."
    else:
        fix = "Install the package again. If that does not help, use a new virtual environment."
    return Check(name=name, state="broken", found=message, fix=fix)


def _import(name: str) -> Check:
    try:
        module = importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - a broken build may raise anything
        return explain_import_error(name, error)
    return Check(name=name, state="ok", found=str(getattr(module, "__version__", "installed")))


def _guarded(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - the doctor reports whatever is wrong
        return Check(
            name=check.__name__.strip("_").replace("_", " "), state="broken", found=f"{type(error).__name__}: {error}"
        )


def _devices() -> Check:
    from qbench.models.numerics import gpus, numerics

    found = ", ".join(gpus()) or "torch finds no GPU; everything runs on the CPU"
    return Check(name="devices", state="ok", found=f"{numerics('cpu')}; {found}")


def _cache() -> Check:
    folder = cache_folder()
    write_text(folder / ".doctor", "")
    (folder / ".doctor").unlink()
    free = shutil.disk_usage(folder).free
    found = f"{folder}, {free / 2**30:.0f} GiB free"
    if free < LOW_DISK:
        return Check(name="cache", state="note", found=found, fix="Set QBENCH_CACHE to a folder on a larger disk.")
    return Check(name="cache", state="ok", found=found)


def _hub() -> Check:
    from huggingface_hub import constants

    mode = "offline (HF_HUB_OFFLINE)" if constants.HF_HUB_OFFLINE else "online"
    return Check(name="Hugging Face hub", state="ok", found=f"{mode}, cache {constants.HF_HUB_CACHE}")


def _data() -> Check:
    folder = os.environ.get("QBENCH_DATA")
    if not folder:
        return Check(name="QBENCH_DATA", state="note", found="not set", fix="Set it, or give each benchmark a root.")
    names = [e.record.name for e in installed().benchmarks() if (Path(folder) / e.record.name).is_dir()]
    found = f"{folder}: {', '.join(names) or 'no folder is called like a benchmark'}"
    return Check(name="QBENCH_DATA", state="ok" if names else "note", found=found)


def _plugins() -> Check:
    registry = installed()
    if registry.failures:
        broken = "; ".join(f"{f.plugin.name} ({f.plugin.distribution}) at {f.stage}" for f in registry.failures)
        return Check(name="plugins", state="note", found=f"failed: {broken}", fix="See `qbench plugins`.")
    if registry.heavy:
        found = "; ".join(map(str, registry.heavy))
        return Check(name="plugins", state="note", found=found, fix="Tell its author, or do not load it: --no-plugin.")
    return Check(name="plugins", state="ok", found=", ".join(p.name for p in registry.plugins))
