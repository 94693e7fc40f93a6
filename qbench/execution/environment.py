"""Where a run ran: what a reader needs to repeat it. No path, no user name, no token."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from qbench.models.numerics import gpus, threads, versions
from qbench.runfolder.schema import EnvironmentRecord

PACKAGES = (
    "qbench-vlm",
    "torch",
    "torchvision",
    "transformers",
    "tokenizers",
    "open_clip_torch",
    "bitsandbytes",
    "accelerate",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "pillow",
)


def environment() -> EnvironmentRecord:
    """Python, platform, processor, memory, GPU, package versions."""
    return EnvironmentRecord(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=_cpu(),
        cores=os.cpu_count(),
        threads=threads(),
        memory_gb=round(_memory() / 2**30, 1),
        gpu=", ".join(gpus()) or None,
        packages=versions(PACKAGES),
    )


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or "unknown"


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0  # not known on this system
