"""The executor ``ray``: the work units of a run are executed on the machines of a Ray cluster.

It needs the extra ``ray``; without it, it is listed with the command that installs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from qbench.api import hookimpl
from qbench.api.executors import Executor

if TYPE_CHECKING:
    from qbench.api.executors import ParallelExecutor

INSTALL = "pip install 'qbench-vlm[ray]'"


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """How Ray is reached.

    Attributes
    ----------
    address : str
        The address of a cluster, such as ``head:6379``; ``auto`` for the one to which this machine belongs, ``local``
        for one that is started for the run on this machine. Empty: ``RAY_ADDRESS``, else ``auto``, else ``local``.
    """

    address: str = ""


def _load(options: RayOptions) -> ParallelExecutor:
    from qbench_ray.executor import RayExecutor

    return RayExecutor(options.address)


@hookimpl
def qbench_executors() -> Iterator[Executor]:
    """One executor."""
    yield Executor(
        name="ray",
        summary="on the machines of a Ray cluster, as many work units at once as fit",
        load=_load,
        options=RayOptions,
        install="" if find_spec("ray") else INSTALL,
    )
