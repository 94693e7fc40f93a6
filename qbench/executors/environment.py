"""What the environment of every process has to have that executes units of one run."""

from __future__ import annotations

import os

from qbench.models.numerics import threads

COMMON = ("QBENCH_", "HF_", "ATEN_", "DNNL_", "GOMP_", "KMP_", "MKL_", "OMP_", "ONEDNN_", "PYTORCH_", "TORCH_")
"""How the names of variables begin that say where models and data are, or by which kernels torch computes."""


def worker_environment() -> dict[str, str]:
    """The environment variables with which another process computes the same bits as this one, on an equal machine.

    These are the variables of this process that decide where things are and how torch computes, and the number of its
    threads, which has to be set before NumPy or torch is imported.
    """
    found = {name: value for name, value in os.environ.items() if name.startswith(COMMON)}
    return {**found, "OMP_NUM_THREADS": str(threads())}
