"""What a section gets beside the results: the numbers of the run, the gate's answer, other runs, and the options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qbench.gate import GateResult
from qbench.report.run_numbers import RunNumbers
from qbench.results import Results


@dataclass(frozen=True, kw_only=True)
class Context:
    """What every section gets beside the results.

    Attributes
    ----------
    numbers : RunNumbers
        The numbers over all classes, looked up by benchmark and metric.
    gate : GateResult
        The answer of the gate for this run.
    others : sequence of Results
        Runs that are shown beside this one.
    gallery : int
        How many flipped items per group to show as thumbnails; 0 for none.
    data_roots : mapping
        Benchmark → the folder of its images.
    """

    numbers: RunNumbers
    gate: GateResult
    others: Sequence[Results] = ()
    gallery: int = 0
    data_roots: Mapping[str, Path] = field(default_factory=dict)

    @property
    def baseline(self) -> str:
        """The label of the quantizer with which the others are compared."""
        return self.numbers.results.baseline
