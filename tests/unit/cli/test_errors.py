"""What the command line makes of an error: a message, an exit code, and no traceback."""

import errno
import sys

import pytest

from qbench import cli


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), 2, "qbench: runs/a: the disk is full\nFree some"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), 2, "qbench: a: the permission is missing\nUse a"),
        (MemoryError(), 2, "qbench: there is not enough memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 2, "qbench: there is not enough memory"),
        (RuntimeError("can't start new thread"), 2, "qbench: there is not enough memory"),
        (OSError(errno.ECONNRESET, "Connection reset"), 1, "This is a defect of qbench or of a plugin"),
        (KeyError("a"), 1, "This is a defect of qbench or of a plugin"),
    ],
)
def test_a_problem_of_the_machine_is_no_defect(monkeypatch, capsys, error, code, said):
    def app():
        raise error

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["qbench", "plan"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert said in capsys.readouterr().err
