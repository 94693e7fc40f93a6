"""The record of a run: ``run.json``."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import Field, TypeAdapter, model_validator

from qbench.comparisons import DeclaredComparison
from qbench.policy.model import Policy
from qbench.runfolder.schema.analysis import AnalysisChoices
from qbench.runfolder.schema.base import Record, RecordFile, checked

_COMPARISONS: TypeAdapter[tuple[DeclaredComparison, ...]] = TypeAdapter(tuple[DeclaredComparison, ...])
_CHOICES: TypeAdapter[AnalysisChoices] = TypeAdapter(AnalysisChoices)


class CellLabels(Record):
    """Which cell a folder is for, also before the cell is there.

    Attributes
    ----------
    model, quantizer, benchmark : str
        The labels.
    """

    model: str
    quantizer: str
    benchmark: str


class RunRecord(RecordFile):
    """A run: ``run.json``.

    Attributes
    ----------
    name : str
        Of the spec; empty where the folder's name stands for it.
    qbench_version : str
        The version that wrote it.
    baseline : str
        Label of the quantizer that the others are compared with.
    created, updated : str
        ISO 8601 in UTC.
    seconds : float or None
        Wall-clock time of the latest call.
    spec : dict
        The resolved spec: the values of `qbench.spec.model.RunSpec`. See `analysis`.
    cells : tuple of str
        The folders of the cells of the latest plan, relative to the run folder.
    labels : dict of str to CellLabels
        Folder of a cell → its labels: a folder's name does not tell them.
    speed, drift : tuple of str
        Files of speeds, and of distances from this plan's baseline, relative to the run folder.
    digests : dict of str to str or None
        File of `drift` → its SHA-256; `None` in files of earlier versions.
    notes : tuple of str
        What a reader of the numbers has to know.
    """

    name: str = ""
    qbench_version: str = ""
    baseline: str
    created: str = ""
    updated: str = ""
    seconds: float | None = None
    spec: dict[str, Any] = Field(default_factory=dict)
    cells: tuple[str, ...]
    labels: dict[str, CellLabels] = Field(default_factory=dict)
    speed: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    digests: dict[str, str] | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def analysis(self) -> AnalysisChoices:
        """How the spec wants changes to be judged; defaults where it does not say."""
        return _CHOICES.validate_python(self.spec.get("analysis") or {}, strict=False)

    @property
    def comparisons(self) -> tuple[DeclaredComparison, ...]:
        """The comparisons that the spec declares; none in files of earlier versions."""
        return _COMPARISONS.validate_python(self.spec.get("comparisons") or ())

    @property
    def policy(self) -> Policy | None:
        """What the spec says that the run may lose; `None` where it does not say."""
        said = self.spec.get("policy")
        return Policy.model_validate(said, strict=False) if said else None

    @property
    def tolerances(self) -> dict[str, Any]:
        """The margins and limits of its policy: what decides verdicts of the analysis."""
        return self.policy.tolerances if self.policy else {"margins": {}, "limits": []}

    def with_policy(self, policy: Policy) -> RunRecord:
        """The same run as if its spec had named this policy."""
        return self.model_copy(update={"spec": {**self.spec, "policy": policy.model_dump(mode="json")}})

    def against(self, baseline: str) -> RunRecord:
        """The same run as if its variants were compared with another quantizer of theirs, and nothing else declared."""
        spec = {key: value for key, value in self.spec.items() if key != "comparisons"}
        return self.model_copy(update={"baseline": baseline, "spec": spec})

    @model_validator(mode="after")
    def _readable(self) -> RunRecord:
        checked("spec.policy", lambda: self.policy)
        checked("spec.analysis", lambda: self.analysis)
        checked("spec.comparisons", lambda: self.comparisons)
        return self
