"""What units want of Ray, and whether there is a machine that has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qbench.api import InputError
from qbench.api.executors import Resources

Node = Mapping[str, float]
"""What one machine has in all, by Ray's names: ``CPU``, ``GPU``, ``memory`` in bytes."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a task reserves.

    Attributes
    ----------
    cpus, gpus : int
        Processor cores and GPUs.
    memory : int
        Bytes.
    """

    cpus: int
    gpus: int = 0
    memory: int = 0

    def times(self, node: Node) -> int:
        """How many tasks with this demand fit into a node.

        Examples
        --------
        >>> Demand(cpus=2, gpus=1).times({"CPU": 8, "GPU": 3}), Demand(cpus=2, gpus=1).times({"CPU": 8})
        (3, 0)
        """
        wanted = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory}
        return min((int(node.get(name, 0) // count) for name, count in wanted.items() if count), default=1)

    def __str__(self) -> str:
        """As in a message."""
        gpus = f", {self.gpus} GPU" if self.gpus else ""
        memory = f", {self.memory / 2**30:.1f} GiB of memory" if self.memory else ""
        return f"{self.cpus} CPU{gpus}{memory}"


def together(wants: Iterable[Resources]) -> Resources:
    """What units want that are executed one after another in one process."""
    every = list(wants)
    return Resources(
        device=next((one.device for one in every if one.device != "cpu"), "cpu"),
        cpus=max(one.cpus for one in every),
        memory=max(one.memory for one in every),
        workers=max(one.workers for one in every),
        alone=any(one.alone for one in every),
    )


def demand(wants: Resources, nodes: Sequence[Node]) -> Demand:
    """What a task for a unit reserves: with what measures time, all cores of the largest machine that is fit for it.

    Raises
    ------
    InputError
        No machine has what is wanted, or one GPU is named, which is for Ray to choose.

    Examples
    --------
    >>> nodes = [{"CPU": 4}, {"CPU": 8}]
    >>> demand(Resources(workers=6), nodes).cpus, demand(Resources(workers=64), nodes).cpus
    (6, 8)
    >>> demand(Resources(cpus=2, alone=True), nodes).cpus
    8
    """
    kind, _, number = wants.device.partition(":")
    if number:
        raise InputError(
            f"the executor ray cannot use the device {wants.device}: Ray chooses a GPU for each task",
            where="device",
            fix=f'Use device = "{kind}".',
        )
    least = Demand(cpus=wants.cpus, gpus=int(kind != "cpu"), memory=wants.memory)
    fit = [node for node in nodes if least.times(node)]
    if not fit:
        raise InputError(
            f"no machine of the Ray cluster has what a work unit needs: {least}",
            where="executor ray",
            fix=f"The machines have: {'; '.join(map(_in_words, nodes)) or 'nothing'}. Add one that has it, or change "
            "device, OMP_NUM_THREADS (the cores of a unit), or what `ray start` was told.",
        )
    most = int(max(node.get("CPU", 0) for node in fit))
    cpus = most if wants.alone else max(wants.cpus, min(wants.workers, most))
    return Demand(cpus=cpus, gpus=least.gpus, memory=least.memory)


def _in_words(node: Node) -> str:
    cpus, gpus, memory = (int(node.get(name, 0)) for name in ("CPU", "GPU", "memory"))
    return str(Demand(cpus=cpus, gpus=gpus, memory=memory))
