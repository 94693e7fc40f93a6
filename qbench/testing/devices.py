"""Finds out on which device a quantizer asks for weights, also on a machine that does not have this device."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from qbench.models.interface import Checkpoint, Context


def asked_for(
    checkpoint: Checkpoint,
    context: Context,
    record: Any,
    options: Any,
    monkeypatch: pytest.MonkeyPatch,
    *,
    feigned: bool = False,
) -> tuple[list[str], Exception | None]:
    """Build a variant as far as possible, and record where its weights are asked for and where they are moved.

    Weights on a CPU are loaded, because a method may load them there and move them afterwards.

    Parameters
    ----------
    checkpoint : Checkpoint
        The checkpoint that is quantized.
    context : Context
        What the build gets. It ends as soon as its device, or another one except the CPU, is asked for.
    record : Quantizer
        The record of the quantizer.
    options : object
        The options of the quantizer.
    monkeypatch : pytest.MonkeyPatch
        The fixture of the test.
    feigned : bool
        Whether torch reports two GPUs of compute capability 9.0.

    Returns
    -------
    tuple of list of str and Exception or None
        The devices, in order; and the exception that ended the build, if it was the method's own.
    """
    import torch

    devices: list[str] = []
    wanted = context.device

    def note(device: str) -> None:
        devices.append(device)
        if device == wanted or not device.startswith("cpu"):
            raise _DeviceKnownError(device)

    def recording(load: Any) -> Any:
        def loads(*, device: str, **how: Any) -> Any:
            note(device)
            return load(device=device, **how)

        return loads

    def moving(move: Any, *, ahead: tuple[Any, ...] = ()) -> Any:
        def moves(tensor: Any, *args: Any, **how: Any) -> Any:
            for value in (*args, *how.values()) if args or how else ahead:
                place = f"cuda:{value}" if type(value) is int else str(value)
                if place.startswith("cuda"):
                    note(place)
            return move(tensor, *args, **how)

        return moves

    recorder = copy.copy(checkpoint)
    for name in ("load", "load_stored"):
        if hasattr(checkpoint, name):
            object.__setattr__(recorder, name, recording(getattr(checkpoint, name)))
    with monkeypatch.context() as patch:
        # A model's own `to` and `cuda` call these for each of its tensors.
        patch.setattr(torch.Tensor, "to", moving(torch.Tensor.to))
        patch.setattr(torch.Tensor, "cuda", moving(torch.Tensor.cuda, ahead=("cuda",)))
        if feigned:
            patch.setattr(torch.cuda, "is_available", lambda: True)
            patch.setattr(torch.cuda, "device_count", lambda: 2)
            patch.setattr(torch.cuda, "get_device_capability", lambda device=None: (9, 0))
        try:
            record.build(recorder, context, options)
        except _DeviceKnownError:
            return devices, None
        except Exception as error:  # noqa: BLE001 - without the device, a method may raise anything
            return devices, error
    return devices, None


class _DeviceKnownError(BaseException):
    """Ends a build once the device is known. Not an `Exception`, so that no method catches it."""
