"""The page that the measurements make: docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Section:
    """One measurement.

    Attributes
    ----------
    title : str
        The heading.
    how : str
        What was done, as Markdown.
    columns : sequence of str
        The heads of the table.
    rows : sequence of sequence of str
        Its cells.
    findings : sequence of str
        Each ratio beside its target, one sentence each.
    """

    title: str
    how: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    findings: Sequence[str] = field(default_factory=tuple)

    def markdown(self) -> str:
        """The section as Markdown."""
        lines = [f"## {self.title}", "", self.how, ""]
        lines += [_row(self.columns), "|" + "---|" * len(self.columns), *map(_row, self.rows), ""]
        lines += [f"- {finding}" for finding in self.findings]
        return "\n".join(lines) + "\n"


def target(what: str, value: float, limit: float, *, at_most: bool = True, unit: str = "") -> str:
    """A measured number, its target, and whether it is met."""
    met = value <= limit if at_most else value >= limit
    bound = "at most" if at_most else "at least"
    return f"{what}: **{value:.3g}{unit}** (target: {bound} {limit:.3g}{unit}; {'met' if met else '**not met**'})."


def machine(load: float) -> str:
    """The machine and the versions, as Markdown; `load` is the load average before anything was measured."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ("torch", "transformers", "pillow", "numpy", "open_clip_torch")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    cores = len(os.sched_getaffinity(0))
    return (
        f"Machine: {cpu}, {cores} cores, {memory:.0f} GiB; Python {platform.python_version()}, {versions}. "
        f"The load average of the last minute was {load:.1f} when the measurements began."
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
