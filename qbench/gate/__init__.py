"""A gate for CI: a policy, held against the judged changes of a run → one answer, its rows and an exit code.

Decides from tables that the analysis made; needs no model, no image and no torch. Showing on a page is the part of
`qbench.report`; the outputs for machines and terminals are written here.
"""

from qbench.gate.evaluate import check
from qbench.gate.policy import Policy, read_policy
from qbench.gate.result import GateResult, GateRow, Problem, RuleResult

__all__ = ["GateResult", "GateRow", "Policy", "Problem", "RuleResult", "check", "read_policy"]
