"""qbench: what quantizing a vision-language model does to its accuracy, and to the people in the pictures.

The Python API is as good as the command line::

    import qbench

    results = qbench.run("demo", out="runs/demo")
    results.metrics          # a pandas frame
    qbench.load("runs/demo") # the same, later

Importing this package imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qbench.results import Results

__all__ = ["load", "run"]


def run(spec: str | Path | Mapping[str, Any] = "demo", out: str | Path | None = None) -> Results:
    """Run a spec and read its results; what was computed before is not computed again.

    Parameters
    ----------
    spec : str, pathlib.Path or mapping
        A preset's name, a TOML file, or what such a file would say.
    out : str or pathlib.Path, optional
        The run folder; ``qbench-runs/NAME`` if not given.

    Returns
    -------
    Results
        Metrics, effects, items as pandas frames. Cells that failed are in ``results.cells``.

    Raises
    ------
    qbench.errors.InputError
        The spec is wrong, or nothing of it can be run.
    """
    from qbench.results.analysis import analysed
    from qbench.runner.execute import execute
    from qbench.runner.plan import default_folder
    from qbench.spec.read import read_spec

    wanted = read_spec(spec)
    folder = Path(out) if out is not None else default_folder(wanted)
    execute(wanted, folder)
    return analysed(load(folder))


def load(run_folder: str | Path) -> Results:
    """Read the results of a run folder. Needs no model, no data and no torch."""
    from qbench.results import load as read

    return read(Path(run_folder))
