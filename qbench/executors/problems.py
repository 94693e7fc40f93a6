"""Why something could not be computed, as plain data that passes from one process to another."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from qbench.errors import MachineError, QbenchError


@dataclass(frozen=True, kw_only=True)
class Problem:
    """An error that stopped a part of a run.

    Attributes
    ----------
    stage : str
        How far it had come: ``data``, ``model``, ``build``, ``encode``, ``score``, ``drift`` or ``speed``.
    type : str
        Name of the exception.
    message : str
        All that it says, for the user.
    what, where, fix : str
        The same in parts: what is wrong, the file or name it concerns, and what can be done about it.
    traceback : str
        Empty for the errors of qbench, which say all there is to say.
    """

    stage: str
    type: str
    message: str
    what: str
    where: str
    fix: str
    traceback: str = ""

    @classmethod
    def of(cls, stage: str, error: Exception) -> Problem:
        """What `error` says; what the system says of a full disk and the like, in the words of `MachineError`."""
        error = MachineError.of(error) or error
        kind = type(error).__name__
        message = str(error) or kind
        if isinstance(error, QbenchError):
            said = {"what": error.what, "where": error.where, "fix": error.fix}
            return cls(stage=stage, type=kind, message=message, **said)
        return cls(
            stage=stage,
            type=kind,
            message=message,
            what=message,
            where="",
            fix="See run.log for the traceback.",
            traceback="".join(traceback.format_exception(error)),
        )
