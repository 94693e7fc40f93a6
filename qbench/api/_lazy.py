"""Names of the API whose implementation is slow to import: they are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def import_on_use(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that imports the names in `homes` when they are first used.

    The same names are imported under ``if TYPE_CHECKING`` and listed in ``__all__``, so that type checkers and readers
    see an ordinary module::

        if TYPE_CHECKING:
            from qbench.metrics.builder import MetricsBuilder

        __getattr__ = import_on_use(__name__, {"MetricsBuilder": "qbench.metrics.builder"})

    Parameters
    ----------
    module : str
        The module that offers the names.
    homes : mapping of str to str
        Each name and the module that defines it; ``module:name`` if the module calls it by another name.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, other = homes[name].partition(":")
        value = getattr(import_module(home), other or name)
        setattr(sys.modules[module], name, value)
        return value

    return load
