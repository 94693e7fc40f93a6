"""The errors that a user sees: one message that says what is wrong, where, and what to do.

Every error that qbench raises on purpose derives from `QbenchError`; the command line prints its message and ends with
its `exit_code`. The command line reports any other exception as a defect of qbench or of a plugin.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path


class QbenchError(Exception):
    """The base class of the errors that qbench raises on purpose.

    Parameters
    ----------
    what : str
        What is wrong, in one sentence.
    where : str, optional
        The file, the row, the key of the spec or the plugin that is wrong.
    fix : str, optional
        What the user can do about it.

    Examples
    --------
    >>> raise DataError("the column 'label' is missing", where="labels.csv", fix="Its columns: file, group.")
    Traceback (most recent call last):
    ...
    qbench.errors.DataError: labels.csv: the column 'label' is missing
    Its columns: file, group.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(self._message())

    def _message(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n{self.fix}" if self.fix else head

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle an error with its keyword arguments, so that it can be sent to another process."""
        return _rebuild, (type(self), self.what, self.where, self.fix)


def _rebuild(kind: type[QbenchError], what: str, where: str, fix: str) -> QbenchError:
    return kind(what, where=where, fix=fix)


class InputError(QbenchError):
    """The user's input is wrong: a spec, a name, a file. Exit code 2."""

    exit_code = 2


class DataError(InputError):
    """A dataset on disk is missing, damaged or incomplete. Exit code 2."""


class StatisticError(InputError):
    """A statistic, of a plugin or of qbench, cannot judge what it is given. Exit code 2."""


class ModelError(InputError):
    """A checkpoint is missing, damaged or of another architecture. Exit code 2."""


FREE_SPACE = "Free some space, or use a folder on another disk (--out; QBENCH_CACHE for the cache folder)."
PERMISSION = "Use a folder in which you may write (--out; QBENCH_CACHE for the cache folder)."
DISK = "Copy what you need to another disk, and have this one checked."
LOCKS = "Use a folder on another disk, or have this one mounted with locks (Lustre: the option `flock`)."
MEMORY = "End other programs, raise the limits (`ulimit -v` and `-u`), or use a machine with more memory."
FILES = "Raise the limit (`ulimit -n 4096`), or set `workers` to a smaller number."

NO_THREAD = "can't start new thread"
"""What Python says where there is no memory for a thread, or no more threads are allowed."""
RUST = re.compile(r"\(os error (\d+)\)")
MACHINE = {
    errno.ENOSPC: ("the disk is full", FREE_SPACE),
    errno.EDQUOT: ("your quota on this disk is used up", FREE_SPACE),
    errno.EFBIG: ("the file would be larger than this process may write", "Raise the limit (`ulimit -f unlimited`)."),
    errno.EROFS: ("the disk is read-only", PERMISSION),
    errno.EACCES: ("the permission is missing", PERMISSION),
    errno.EPERM: ("the permission is missing", PERMISSION),
    errno.EMFILE: ("this process has too many open files", FILES),
    errno.ENFILE: ("this machine has too many open files", FILES),
    errno.ENOMEM: ("there is not enough memory, or no more processes are allowed", MEMORY),
    errno.ENAMETOOLONG: ("the name of this file or folder is too long", "Give a shorter one."),
    errno.ENOLCK: ("files on this disk cannot be locked", LOCKS),
    errno.EIO: ("the disk reports a fault", DISK),
}
"""Faults of the machine by the number that the system gives them: what is wrong, and what can be done."""


class MachineError(QbenchError):
    """The machine cannot do what is needed: a full disk, a missing permission, too many open files. Exit code 2."""

    exit_code = 2

    @classmethod
    def of(cls, error: Exception, where: Path | None = None) -> MachineError | None:
        """Make a `MachineError` from an error of the system; `None` if the machine is not the cause.

        Parameters
        ----------
        error : Exception
            An `OSError`, a `MemoryError`, what Python raises where a thread cannot be started, or an error of a library
            in Rust, such as safetensors, which has the system's error number in its text only.
        where : pathlib.Path, optional
            The file or folder; the one that `error` names if not given.

        Examples
        --------
        >>> print(MachineError.of(OSError(errno.ENOSPC, "No space left on device"), Path("run.json")))
        run.json: the disk is full
        Free some space, or use a folder on another disk (--out; QBENCH_CACHE for the cache folder).
        """
        if isinstance(error, QbenchError):
            return None
        named = RUST.search(str(error))
        number = error.errno if isinstance(error, OSError) else int(named[1]) if named else None
        if isinstance(error, MemoryError) or (type(error) is RuntimeError and str(error) == NO_THREAD):
            number = errno.ENOMEM
        if number not in MACHINE:
            return None
        what, fix = MACHINE[number]
        return cls(what, where=str(where or getattr(error, "filename", None) or ""), fix=fix)


class RenamedWarning(FutureWarning):
    """Something in the user's input has a former name, which still works for now. The command line prints it."""


class QuantizationError(QbenchError):
    """A quantizer cannot do what was asked of it on this model or machine."""
