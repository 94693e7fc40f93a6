"""Probes: how a model is asked, and where its answers come from. Hook: ``qbench_probes``."""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.metrics.interface import MeasuredTask
from qbench.plugins.records import Probe
from qbench.probes.choices.interface import Choices, ChoicesTask, Chooser, Question
from qbench.probes.choices.options import QuestionOptions
from qbench.probes.interface import AnswerPart, Answers, Asking, ProbeMethod, Provider, Questions
from qbench.probes.pairs.interface import NO_TEXT, Matcher, Pairs, PairsTask
from qbench.probes.providers import ModelProvider, PrecomputedProvider

if TYPE_CHECKING:
    from qbench.probes.choices.templates import QuestionTemplate, question_template, question_template_names
    from qbench.runfolder.writer import folder_name

__getattr__ = import_on_use(
    __name__,
    {
        "QuestionTemplate": "qbench.probes.choices.templates",
        "folder_name": "qbench.runfolder.writer",
        "question_template": "qbench.probes.choices.templates",
        "question_template_names": "qbench.probes.choices.templates",
    },
)

__all__ = [
    "NO_TEXT",
    "AnswerPart",
    "Answers",
    "Asking",
    "Choices",
    "ChoicesTask",
    "Chooser",
    "Matcher",
    "MeasuredTask",
    "ModelProvider",
    "Pairs",
    "PairsTask",
    "PrecomputedProvider",
    "Probe",
    "ProbeMethod",
    "Provider",
    "Question",
    "QuestionOptions",
    "QuestionTemplate",
    "Questions",
    "folder_name",
    "question_template",
    "question_template_names",
]
