"""Peak memory of a stretch of work: of the GPU, or of this process where the system lets its mark be reset."""

from __future__ import annotations

import re
from pathlib import Path

from qbench.models.numerics import gpu_memory_peak, reset_gpu_memory_peak

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"
"""What resets the peak resident set size of a process on Linux (proc(5))."""


class Peak:
    """The memory that work adds at its peak.

    Parameters
    ----------
    device : str
        Where the work is done. On a CPU the process's resident memory is looked at.
    """

    def __init__(self, device: str) -> None:
        self._gpu = device if device.startswith("cuda") else ""
        self._before: int | None
        if self._gpu:
            reset_gpu_memory_peak(self._gpu)
            self._before = 0
        else:
            self._before = _resident("VmRSS") if _reset() else None

    def bytes(self) -> int | None:
        """Bytes added since the beginning at the peak; `None` where this system does not tell."""
        if self._gpu:
            return gpu_memory_peak(self._gpu)
        peak = _resident("VmHWM") if self._before is not None else None
        return None if peak is None or self._before is None else max(0, peak - self._before)


def resident_bytes() -> int | None:
    """The resident memory of this process now; `None` where this system does not tell."""
    return _resident("VmRSS")


def _reset() -> bool:
    try:
        CLEAR.write_text(RESET_PEAK, encoding="ascii")
    except OSError:
        return False  # not Linux, or not allowed
    return True


def _resident(name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
