"""A gate for CI: a policy, applied to the judged changes of a run → one answer, its rows and an exit code.

It decides from the tables of the analysis and needs no model, no image and no torch. `qbench.report` shows the answer
on a page; the outputs for machines and terminals are written here.
"""

from qbench.gate.evaluate import check
from qbench.gate.result import GateResult, GateRow, Problem, QuantizerResult, RuleResult, VariantResult
from qbench.policy.model import Policy, read_policy

__all__ = [
    "GateResult",
    "GateRow",
    "Policy",
    "Problem",
    "QuantizerResult",
    "RuleResult",
    "VariantResult",
    "check",
    "read_policy",
]
