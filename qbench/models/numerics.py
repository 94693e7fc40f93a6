"""Which kernels will run: the part of a result that the machine decides.

The only module of the core that asks torch anything. NF4 on a CPU with AVX512-bf16 takes another path than on other
CPUs, and gives other numbers; and a sum over four threads rounds differently from one over two. So device, CPU
capability, runtime and threads are recorded, and are part of every key.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from qbench.errors import InputError


def check_device(device: str) -> None:
    """Raise `InputError` if this machine does not have `device`."""
    import torch

    kind = device.partition(":")[0]
    if kind == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "this machine has no CUDA device that torch can use",
            where=f"device = {device!r}",
            fix='Use device = "cpu".',
        )
    if kind not in ("cpu", "cuda"):
        raise InputError(f"unknown device {device!r}", fix='Use "cpu", "cuda" or "cuda:1".')


def numerics(device: str) -> str:
    """In words, which kernels run on `device`: device kind, CPU capability or GPU, threads, runtime's version."""
    import torch

    if device.startswith("cuda"):
        name, (major, minor) = torch.cuda.get_device_name(device), torch.cuda.get_device_capability(device)
        return f"cuda, {name}, sm_{major}{minor}, torch {torch.__version__}"
    capability = torch.backends.cpu.get_cpu_capability()
    flags = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    bf16 = ", avx512-bf16" if flags.get("avx512_bf16") else ""
    return f"cpu, {capability}{bf16}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Versions of the distributions that decide an embedding; ``missing`` for those that are not installed."""
    found = {}
    for name in sorted(set(distributions)):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def gpus() -> list[str]:
    """The names of the GPUs that torch can use."""
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def threads() -> int:
    """How many threads torch computes with on the CPU."""
    import torch

    return torch.get_num_threads()


def reset_gpu_memory_peak(device: str) -> None:
    """Begin to measure the peak memory of a GPU anew."""
    import torch

    torch.cuda.reset_peak_memory_stats(device)


def gpu_memory_peak(device: str) -> int:
    """Bytes that torch held on a GPU at the peak since the last reset."""
    import torch

    return torch.cuda.max_memory_allocated(device)
