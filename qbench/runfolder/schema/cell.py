"""The record of a cell: ``cell.json``."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from qbench.models.interface import Coverage
from qbench.runfolder.schema.base import RecordFile, checked
from qbench.runfolder.schema.parts import (
    BatchInfo,
    BenchmarkInfo,
    ControlInfo,
    DataInfo,
    Failure,
    KnownFacts,
    ModelInfo,
    QuantizerInfo,
)
from qbench.vocabulary import CellStatus

CellTable = Literal["items", "metrics", "rankings", "noise"]
"""The tables that lie beside ``cell.json`` and are written before it."""


class CellRecord(RecordFile):
    """One model × quantizer × benchmark of a run: ``cell.json``.

    Attributes
    ----------
    key : str
        The whole key; empty where the model or the data could not be opened.
    model, quantizer, benchmark : str
        The labels of the spec.
    status : CellStatus
        Done or failed.
    model_info, quantizer_info, benchmark_info, data_info
        What the labels stand for.
    probe : str
        How the model was asked, as ``plugin:name``; empty in files that do not say, where it was by embeddings.
    batch : BatchInfo or None
        `None` where nothing was computed here.
    error : Failure or None
        Why it failed; `None` where it is done.
    coverage : Coverage or None
        What was quantized; `None` where it failed.
    dtype : str
        The type of the layers that were not quantized.
    control : ControlInfo or None
        The control arm; `None` where it is not known.
    numerics : str
        The kernels that ran, in words.
    versions : dict of str to str
        Packages that decide the answers.
    facts : dict
        The benchmark's facts, as its outcome gives them; see `known_facts`.
    seconds : dict of str to float
        Seconds of each stage; a stage whose result was in the cache is missing.
    tables : dict of str to str
        Name of a table of the cell → SHA-256 of its file. Earlier versions do not say it.
    """

    key: str
    model: str
    quantizer: str
    benchmark: str
    status: Literal[CellStatus.DONE, CellStatus.FAILED]
    error: Failure | None
    model_info: ModelInfo
    quantizer_info: QuantizerInfo
    benchmark_info: BenchmarkInfo
    data_info: DataInfo
    probe: str = ""
    batch: BatchInfo | None
    coverage: Coverage | None = None
    dtype: str = ""
    control: ControlInfo | None = None
    numerics: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)
    seconds: dict[str, float] = Field(default_factory=dict)
    tables: dict[CellTable, str] = Field(default_factory=dict)

    @cached_property
    def known_facts(self) -> KnownFacts:
        """The facts that qbench reads."""
        return KnownFacts.model_validate(self.facts, strict=False)

    @model_validator(mode="after")
    def _complete(self) -> CellRecord:
        if self.status is CellStatus.DONE and self.coverage is None:
            raise ValueError("the cell is done, and 'coverage' is missing")
        if self.status is CellStatus.FAILED and self.error is None:
            raise ValueError("the cell failed, and 'error' is missing")
        checked("facts", lambda: self.known_facts)
        return self
