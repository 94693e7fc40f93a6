"""Which of the installed plugins are loaded: the user's choice, by environment variable or on the command line.

``QBENCH_PLUGINS`` names the plugins to load; no others are loaded. ``QBENCH_NO_PLUGINS`` (and ``--no-plugin NAME``,
which sets it) names plugins to leave out. With ``QBENCH_PLUGINS`` set to an empty value, only the built-in plugins are
loaded: use it when a third-party plugin makes qbench unusable.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint

from qbench.errors import InputError

ONLY, WITHOUT = "QBENCH_PLUGINS", "QBENCH_NO_PLUGINS"

OWN = "built-in"
"""Stands for all plugins of qbench's own distribution, in both variables."""

DISTRIBUTION = "qbench-vlm"


def chosen(points: Iterable[EntryPoint]) -> Callable[[EntryPoint], bool]:
    """Make the test that says which entry points the user wants.

    Parameters
    ----------
    points : iterable of EntryPoint
        All that are installed.

    Returns
    -------
    callable
        ``(entry point) -> bool``.

    Raises
    ------
    InputError
        A variable names a plugin that is not installed: with a typo, other plugins would be loaded than were meant.
    """
    known = {point.name for point in points}
    only, without = _names(ONLY), _names(WITHOUT)
    for variable, names in ((ONLY, only), (WITHOUT, without)):
        for name in names or ():
            if name not in known and name != OWN:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"Did you mean {close[0]!r}? " if close else ""
                raise InputError(
                    f"there is no plugin called {name!r}",
                    where=variable,
                    fix=f"{hint}Installed: {', '.join(sorted(known))}; {OWN} stands for all of qbench's own.",
                )
    if only == []:
        only = [OWN]

    if only is None and not without:
        return lambda _: True

    def wanted(point: EntryPoint) -> bool:
        names = {point.name, OWN} if point.dist and point.dist.name == DISTRIBUTION else {point.name}
        return (only is None or bool(names & set(only))) and not names & set(without or ())

    return wanted


def leave_out(names: Iterable[str]) -> None:
    """Leave plugins out in this process and in the processes that it starts. Call it before any plugin is loaded."""
    os.environ[WITHOUT] = ",".join([*(_names(WITHOUT) or ()), *names])


def _names(variable: str) -> list[str] | None:
    """The names in a variable; `None` if it is not set."""
    value = os.environ.get(variable)
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]
