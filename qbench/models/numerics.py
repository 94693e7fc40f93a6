"""Which kernels will run: the part of a result that the machine decides.

The only module of the core that asks torch anything. NF4 on a CPU with AVX512-bf16 takes another path than on other
CPUs, and gives other numbers; and a sum over four threads rounds differently from one over two. So device, CPU
capability, runtime and threads are recorded, and are part of every key.

Importing torch takes seconds, and a run that has nothing to compute needs no more of it than these words. So what torch
says of a CPU is remembered in the cache folder, under all that decides it (`_decided_by`).
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

from qbench.errors import InputError
from qbench.store.cache import Cache

FACTS = ("numerics", "threads")
"""What is remembered."""
SETTINGS = ("ATEN_", "DNNL_", "GOMP_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "PYTORCH_", "TORCH_", "LD_", "CUDA_", "HIP_")
"""How the names of environment variables begin that torch, its OpenMP or its linear algebra may look at."""
PROCESSOR = ("model name", "flags", "Features")
"""What Linux says of a processor that decides which kernels there are."""
GPUS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg", "/dev/dri")
"""Files of Linux that are there where a GPU may be."""


def check_device(device: str) -> None:
    """Raise `InputError` if this machine does not have `device`; on a CPU, ask torch now what is remembered of it.

    Nothing has imported torch yet where a run begins, so that what torch says is what the next run would be told.
    """
    check_presence(device)
    if device.partition(":")[0] == "cpu":
        _facts()


def check_presence(device: str) -> None:
    """Raise `InputError` if this machine does not have `device`."""
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise InputError(f"unknown device {device!r}", fix='Use "cpu", "cuda" or "cuda:1".')
    if kind == "cuda" and not (count := _cuda_devices()):
        raise InputError(
            "this machine has no CUDA device that torch can use",
            where=f"device = {device!r}",
            fix='Use device = "cpu".',
        )
    number = device.partition(":")[2]
    if kind == "cuda" and number.isdecimal() and int(number) >= count:
        raise InputError(
            f"this machine has {count} CUDA {'device' if count == 1 else 'devices'}, which are counted from 0",
            where=f"device = {device!r}",
            fix=f'Use device = "cuda:{count - 1}" or a smaller number.',
        )


def _cuda_devices() -> int:
    """How many GPUs torch can use."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def numerics(device: str) -> str:
    """In words, which kernels run on `device`: device kind, CPU capability or GPU, threads, runtime's version."""
    if not device.startswith("cuda"):
        return str(_facts()["numerics"])
    import torch

    name, (major, minor) = torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device)
    return f"cuda, {name}, sm_{major}{minor}, torch {torch.__version__}"


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of the distributions that decide an embedding; ``missing`` for those that are not installed."""
    return {name: version_of(name) for name in sorted(set(distributions))}


@cache
def version_of(name: str) -> str:
    """The version of a distribution, or ``missing``: read once, because the code that is imported remains the same.

    To read it is to parse a file (2 ms), and the keys of a cell ask for a dozen.
    """
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def gpus() -> list[str]:
    """The names of the GPUs that torch can use."""
    if _decided_by() is not None:
        return []
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def threads() -> int:
    """How many threads torch computes with on the CPU."""
    return int(_facts()["threads"])


def reset_gpu_memory_peak(device: str) -> None:
    """Begin to measure the peak memory of a GPU anew."""
    import torch

    torch.cuda.reset_peak_memory_stats(device)


def gpu_memory_peak(device: str) -> int:
    """Bytes that torch held on a GPU at the peak since the last reset."""
    import torch

    return torch.cuda.max_memory_allocated(device)


# --- what torch says of the CPU, and when it says the same again


def _facts() -> dict[str, Any]:
    """The words of `numerics` for the CPU, and the threads: those that are remembered, unless torch is there to ask.

    Where torch is imported already, its number of threads may have been set by whoever imported it.
    """
    parts = None if "torch" in sys.modules else _decided_by()
    if parts is None:
        return _asked()
    memo = Cache().memo("numerics", parts)
    known = memo.read()
    if known is None:
        known = _asked()
        memo.write(known)
    return known


def _asked() -> dict[str, Any]:
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    bf16 = ", avx512-bf16" if flags.get("avx512_bf16") else ""
    count = torch.get_num_threads()
    words = f"cpu, {capability}{bf16}, {count} threads, torch {torch.__version__}"
    return dict(zip(FACTS, (words, count), strict=True))


def _decided_by() -> dict[str, Any] | None:
    """All that decides what torch says of the CPU; `None` where that is not known, so that torch has to be asked.

    These are torch itself (its version, its place and the time at which it was put there), the processor, the system,
    the cores that this process may use, and the environment variables that torch looks at. It is known on Linux without
    a GPU.
    """
    if sys.platform != "linux" or any(Path(path).exists() for path in GPUS):
        return None
    try:
        torch = distribution("torch")
        place = Path(str(torch.locate_file("torch/version.py")))
        installed = [version_of("torch"), str(place), place.stat().st_mtime_ns]
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (PackageNotFoundError, OSError):
        return None
    processor = sorted({line for line in lines if line.partition(":")[0].strip() in PROCESSOR})
    return {
        "asked": list(FACTS),
        "torch": installed,
        "processor": hashlib.sha256("\n".join(processor).encode()).hexdigest(),
        "system": list(platform.uname()),
        "cores": [os.cpu_count(), len(os.sched_getaffinity(0))],
        "environment": {name: value for name, value in sorted(os.environ.items()) if name.startswith(SETTINGS)},
    }
