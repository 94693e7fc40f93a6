"""What is recorded of an error: all that a user needs, and a traceback only where it is a defect."""

import errno

import pytest

from qbench.errors import DataError
from qbench.executors.problems import Problem


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "/tmp/x"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_problem_of_the_machine_is_said_as_one(error):
    problem = Problem.of("build", error)
    assert (problem.type, problem.what, problem.traceback) == ("MachineError", "the disk is full", "")
    assert problem.where == ("/tmp/x" if isinstance(error, OSError) else "")
    assert problem.fix.startswith("Free some space")


def test_an_error_for_users_says_all_there_is_to_say():
    problem = Problem.of("data", DataError("it is damaged", where="a.csv", fix="Get it anew."))
    assert (problem.message, problem.traceback) == ("a.csv: it is damaged\nGet it anew.", "")


@pytest.mark.parametrize("error", [KeyError("a"), OSError(errno.ECONNRESET, "reset"), RuntimeError("(os error 104)")])
def test_any_other_error_has_its_traceback(error):
    problem = Problem.of("score", error)
    assert (problem.type, problem.fix) == (type(error).__name__, "See run.log for the traceback.")
    assert type(error).__name__ in problem.traceback
