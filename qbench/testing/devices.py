"""Which device a quantizer asks for, seen on a machine that has none of it: a checkpoint that listens."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from qbench.models.interface import Checkpoint, Context


def asked_for(
    checkpoint: Checkpoint,
    wanted: str,
    record: Any,
    options: Any,
    monkeypatch: pytest.MonkeyPatch,
    *,
    feigned: bool = False,
) -> tuple[list[str], Exception | None]:
    """Build a variant as far as it goes, and hear where its weights are asked for, and where they are moved.

    Weights on a CPU are given, since a method may load there and move them afterwards.

    Parameters
    ----------
    checkpoint : Checkpoint
        What is quantized.
    wanted : str
        The device that the context names; the build ends once it is heard, or another one but the CPU.
    record : Quantizer
        Whose variant.
    options : object
        Its options.
    monkeypatch : pytest.MonkeyPatch
        Of the test.
    feigned : bool
        Whether torch says that there are two GPUs of compute capability 9.0.

    Returns
    -------
    tuple of list of str and Exception or None
        The devices, in order; and what ended the build, where that was not the listening.
    """
    import torch

    heard: list[str] = []

    def hear(device: str) -> None:
        heard.append(device)
        if device == wanted or not device.startswith("cpu"):
            raise _HeardError(device)

    def listening(load: Any) -> Any:
        def loads(*, device: str, **how: Any) -> Any:
            hear(device)
            return load(device=device, **how)

        return loads

    def moving(move: Any, *, ahead: tuple[Any, ...] = ()) -> Any:
        def moves(tensor: Any, *args: Any, **how: Any) -> Any:
            for value in (*args, *how.values()) if args or how else ahead:
                place = f"cuda:{value}" if type(value) is int else str(value)
                if place.startswith("cuda"):
                    hear(place)
            return move(tensor, *args, **how)

        return moves

    listener = copy.copy(checkpoint)
    for name in ("load", "load_stored"):
        if hasattr(checkpoint, name):
            object.__setattr__(listener, name, listening(getattr(checkpoint, name)))
    with monkeypatch.context() as patch:
        # What a model's own `to` and `cuda` do to each of its tensors.
        patch.setattr(torch.Tensor, "to", moving(torch.Tensor.to))
        patch.setattr(torch.Tensor, "cuda", moving(torch.Tensor.cuda, ahead=("cuda",)))
        if feigned:
            patch.setattr(torch.cuda, "is_available", lambda: True)
            patch.setattr(torch.cuda, "device_count", lambda: 2)
            patch.setattr(torch.cuda, "get_device_capability", lambda device=None: (9, 0))
        try:
            record.build(listener, Context(device=wanted), options)
        except _HeardError:
            return heard, None
        except Exception as error:  # noqa: BLE001 - without the device a method may fail in any way
            return heard, error
    return heard, None


class _HeardError(BaseException):
    """Ends a build once it is known what it asked for; no ``except Exception`` of a method takes it for its own."""
