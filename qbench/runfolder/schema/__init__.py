"""The records of a run folder as types: what a run, a cell, a speed, a machine and an analysis are described by.

Each is one JSON file. They are made by the execution, written by `qbench.runfolder.writer`, read by
`qbench.runfolder.reader`, and nobody else sees the JSON. Values are checked when a record is made and when it is read,
so that what a plugin gives is refused while its cell is computed and not when the report is made.

A file of an earlier format is brought up to date by `qbench.runfolder.upgrade` before it is checked.
"""

from __future__ import annotations

from qbench.runfolder.schema.analysis import AnalysisChoices, AnalysisRecord
from qbench.runfolder.schema.base import FORMAT, complaint
from qbench.runfolder.schema.cell import CellRecord
from qbench.runfolder.schema.machine import EnvironmentRecord, Rate, SpeedRecord
from qbench.runfolder.schema.parts import (
    BatchInfo,
    BenchmarkInfo,
    CalibrationInfo,
    Chance,
    ControlInfo,
    DataInfo,
    Failure,
    KnownFacts,
    MissingItems,
    ModelInfo,
    QuantizerInfo,
    VariantFacts,
)
from qbench.runfolder.schema.run import CellLabels, RunRecord

__all__ = [
    "FORMAT",
    "AnalysisChoices",
    "AnalysisRecord",
    "BatchInfo",
    "BenchmarkInfo",
    "CalibrationInfo",
    "CellLabels",
    "CellRecord",
    "Chance",
    "ControlInfo",
    "DataInfo",
    "EnvironmentRecord",
    "Failure",
    "KnownFacts",
    "MissingItems",
    "ModelInfo",
    "QuantizerInfo",
    "Rate",
    "RunRecord",
    "SpeedRecord",
    "VariantFacts",
    "complaint",
]
