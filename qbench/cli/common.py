"""What several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qbench.spec.model import RunSpec


DECLARED = "declared"
"""The benchmark that a dataset describes itself."""


def overridden(spec: RunSpec, datasets: Sequence[Path] = (), **changes: Any) -> RunSpec:
    """The spec with the options of the command line in place of its own, and with its datasets beside those it has."""
    from qbench.spec.read import validate

    given = {name: value for name, value in changes.items() if value is not None}
    values = {**spec.model_dump(), **given}
    values["benchmarks"] += [{"name": DECLARED, "root": str(path.absolute())} for path in datasets]
    return validate(values, where="the command line", base=Path.cwd())


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
