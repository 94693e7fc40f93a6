"""Probes: how a model is asked, and where its answers come from. Hook: ``qbench_probes``."""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.metrics.interface import MeasuredTask
from qbench.plugins.records import Probe
from qbench.probes.interface import AnswerPart, Answers, Asking, ProbeMethod, Provider, Questions
from qbench.probes.providers import ModelProvider, PrecomputedProvider

if TYPE_CHECKING:
    from qbench.runfolder.writer import folder_name

__getattr__ = import_on_use(
    __name__,
    {"folder_name": "qbench.runfolder.writer"},
)

__all__ = [
    "AnswerPart",
    "Answers",
    "Asking",
    "MeasuredTask",
    "ModelProvider",
    "PrecomputedProvider",
    "Probe",
    "ProbeMethod",
    "Provider",
    "Questions",
    "folder_name",
]
