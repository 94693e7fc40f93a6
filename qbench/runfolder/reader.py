"""The files of a run folder → checked records. Every complaint names the file and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from qbench.errors import InputError

FORMAT = 1
AGAIN = "Run `qbench run` again with the same spec: it repairs what is missing."


@dataclass(frozen=True)
class Cell:
    """One model × quantizer × benchmark of a run.

    Attributes
    ----------
    folder : pathlib.Path
        Where it lies.
    model, quantizer, benchmark : str
        The labels of the run's spec.
    status : {"done", "failed", "missing"}
        ``missing`` is a cell that was planned and has no record yet.
    record : mapping
        The content of ``cell.json``; empty where it is missing.
    """

    folder: Path
    model: str
    quantizer: str
    benchmark: str
    status: str
    record: Mapping[str, Any]

    @property
    def done(self) -> bool:
        """Whether it has numbers."""
        return self.status == "done"

    @property
    def names(self) -> dict[str, str]:
        """The three labels, as columns."""
        return {"model": self.model, "quantizer": self.quantizer, "benchmark": self.benchmark}

    def part(self, name: str) -> dict[str, Any]:
        """One object of the record; empty where the cell failed before it was known."""
        value = self.record.get(name)
        return dict(value) if isinstance(value, dict) else {}

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read ``<name>.parquet`` of the cell.

        Raises
        ------
        qbench.errors.InputError
            The file is missing, damaged or lacks one of `columns`.
        """
        path = self.folder / f"{name}.parquet"
        try:
            return pd.read_parquet(path, columns=None if columns is None else list(columns))
        except FileNotFoundError:
            raise InputError("the file is missing", where=str(path), fix=AGAIN) from None
        except (OSError, ValueError, KeyError) as error:  # pyarrow's errors derive from these
            raise InputError(f"the file is damaged: {error}", where=str(path), fix=AGAIN) from error


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object of a run folder, and check its ``format`` where it has one.

    Raises
    ------
    qbench.errors.InputError
        It is missing, damaged, or written by a newer qbench.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate could not be written into any output
    except FileNotFoundError:
        raise InputError("the file is missing", where=str(path), fix=AGAIN) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"the file is damaged: {error}", where=str(path), fix=AGAIN) from error
    if not isinstance(value, dict):
        raise InputError("the file is damaged: it holds no JSON object", where=str(path), fix=AGAIN)
    form = value.get("format", FORMAT)
    if not isinstance(form, int) or isinstance(form, bool) or form < 1:
        raise InputError(f"the file is damaged: its format is {form!r}", where=str(path), fix=AGAIN)
    if form > FORMAT:
        raise InputError(
            f"it was written by a newer qbench (format {form}; this one reads up to {FORMAT})",
            where=str(path),
            fix="Upgrade: pip install --upgrade qbench-vlm",
        )
    return value


def read_run(folder: Path) -> dict[str, Any]:
    """Read ``run.json``: the head of a run folder.

    Raises
    ------
    qbench.errors.InputError
        `folder` is no run, or its head is damaged or newer than this qbench.
    """
    path = folder / "run.json"
    if not path.is_file():
        what = "this folder is no qbench run: it has no run.json" if folder.is_dir() else "there is no such folder"
        raise InputError(what, where=str(folder), fix="Name the folder that `qbench run --out` wrote.")
    run = read_json(path)
    cells = run.get("cells")
    if not isinstance(cells, list) or not all(isinstance(x, str) for x in cells):
        raise InputError("the file is damaged: 'cells' is no list of folders", where=str(path), fix=AGAIN)
    if not isinstance(run.get("baseline"), str):
        raise InputError("the file is damaged: 'baseline' is no name", where=str(path), fix=AGAIN)
    return run


def read_cell(run: Path, relative: str) -> Cell:
    """Read the record of one cell, named as ``run.json`` names it.

    Raises
    ------
    qbench.errors.InputError
        The name leaves the run folder, or the record is damaged or newer than this qbench.
    """
    parts = PurePosixPath(relative).parts
    if not parts or PurePosixPath(relative).is_absolute() or ".." in parts:
        raise InputError(f"the file is damaged: {relative!r} is no folder of the run", where=str(run / "run.json"))
    folder = run.joinpath(*parts)
    path = folder / "cell.json"
    if not path.is_file():
        benchmark, model, variant = ("?", "?", "?", *parts)[-3:]
        return Cell(folder, model, variant.rpartition("-")[0] or variant, benchmark, "missing", {})
    record = read_json(path)
    for key in ("model", "quantizer", "benchmark", "status"):
        if not isinstance(record.get(key), str):
            raise InputError(f"the file is damaged: {key!r} is missing", where=str(path), fix=AGAIN)
    if record["status"] not in ("done", "failed"):
        raise InputError(f"the file is damaged: its status is {record['status']!r}", where=str(path), fix=AGAIN)
    return Cell(folder, record["model"], record["quantizer"], record["benchmark"], record["status"], record)
