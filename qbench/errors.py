"""The errors that a user sees: one message that says what is wrong, where, and what to do.

Every error that qbench raises on purpose derives from `QbenchError`; the command line prints its message and ends with
its `exit_code`. The command line reports any other exception as a defect of qbench or of a plugin.
"""

from __future__ import annotations


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


class ModelError(InputError):
    """A checkpoint is missing, damaged or of another architecture. Exit code 2."""


class RenamedWarning(FutureWarning):
    """Something in the user's input has a former name, which still works for now. The command line prints it."""


class QuantizationError(QbenchError):
    """A quantizer cannot do what was asked of it on this model or machine."""
