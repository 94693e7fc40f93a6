"""What a section may know beside the results: the numbers, the gate's answer, other runs, what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qbench.gate import GateResult
from qbench.report.run_numbers import RunNumbers
from qbench.results import Results


@dataclass(frozen=True, kw_only=True)
class Context:
    """Given to every section beside the results.

    Attributes
    ----------
    numbers : RunNumbers
        The numbers over all classes, looked up by benchmark and metric.
    gate : GateResult
        What the policy says of this run.
    others : sequence of Results
        Runs that are shown beside this one.
    gallery : int
        Images of flipped items to show a group; 0 for none.
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
        """Label of the quantizer that the others are compared with."""
        return self.numbers.results.baseline
