"""One variant without a benchmark: built to be looked at, or to be kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qbench.errors import InputError
from qbench.execution.calibration import prepare_calibration
from qbench.execution.plan import (
    PlannedModel,
    PlannedQuantizer,
    check_has_calibration,
    plan_model,
    plan_quantizer,
)
from qbench.execution.quiet import quiet
from qbench.images.workers import cores
from qbench.models.heads import build_variant
from qbench.models.interface import Context, Variant
from qbench.models.numerics import check_device
from qbench.plugins.registry import Registry
from qbench.spec.model import ModelSpec, QuantizerSpec
from qbench.store.cache import Cache
from qbench.store.folders import new_folder


@dataclass(frozen=True, kw_only=True)
class Built:
    """A variant, and what it was asked for by."""

    model: PlannedModel
    quantizer: PlannedQuantizer
    variant: Variant


@contextmanager
def built(model: ModelSpec, quantizer: QuantizerSpec, *, device: str, registry: Registry) -> Iterator[Built]:
    """Build a variant, and release it when the block ends. Nothing is embedded.

    Raises
    ------
    InputError
        A name or an option is unknown, the quantizer names no calibration data that it uses, or this machine does not
        have the device or the checkpoint.
    QuantizationError
        The method cannot do what was asked for.
    """
    planned, method = plan_model(model, registry), plan_quantizer(quantizer, device, registry)
    check_has_calibration(method)
    with tempfile.TemporaryDirectory() as folder, quiet(Path(folder) / "log"):
        check_device(method.device)
        checkpoint = planned.entry.record.open(planned.checkpoint, planned.options)
        drawn = prepare_calibration(method.calibration, Cache(), workers=cores()) if method.calibration else None
        context = Context(device=method.device, calibration=drawn)
        variant = build_variant(method.entry.record.build, checkpoint, context, method.options)
        try:
            yield Built(model=planned, quantizer=method, variant=variant)
        finally:
            variant.encoder.close()


def check_empty(folder: Path) -> None:
    """Raise `InputError` where `folder` holds something already; asked before a model is loaded for it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("the folder is not empty", where=str(folder), fix="Name a new or an empty folder.")


def keep(made: Built, folder: Path) -> str:
    """Save a variant into `folder`, whole or not at all.

    Returns
    -------
    str
        Name of the quantizer that loads it as it is.

    Raises
    ------
    InputError
        The folder holds something already, or the method or the model source cannot save.
    """
    if made.variant.save is None:
        raise InputError(
            f"{made.quantizer.label} of {made.model.label} cannot be saved",
            fix="Its method (or the model source) has no format for it; a spec names what it is made of.",
        )
    check_empty(folder)
    with new_folder(folder) as whole:
        return made.variant.save(whole)
