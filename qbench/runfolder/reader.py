"""The files of a run folder → checked records and tables. Every complaint names the file, the field and what to do."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pandas as pd
from pydantic import BaseModel, ValidationError

from qbench.data.items import Attribute
from qbench.errors import InputError
from qbench.metrics.interface import INDEX, MetricInfo, Outcome
from qbench.runfolder.integrity import DamageError, inside, is_damaged, refuse_damage
from qbench.runfolder.schema import (
    FORMAT,
    AnalysisRecord,
    CellLabels,
    CellRecord,
    EnvironmentRecord,
    Failure,
    RunRecord,
    SpeedRecord,
    complaint,
)
from qbench.runfolder.tables import parquet_columns, read_table
from qbench.runfolder.upgrade import upgrade
from qbench.store.files import MOVE, read_json_object, too_large
from qbench.vocabulary import CellStatus

log = logging.getLogger(__name__)

AGAIN = "Run `qbench run` again with the same spec: it repairs what is missing."
ANALYSE_AGAIN = "Run `qbench analyse` again: it replaces the analysis."

Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True)
class Cell:
    """One model × quantizer × benchmark of a run.

    Attributes
    ----------
    folder : pathlib.Path
        Where it lies.
    model, quantizer, benchmark : str
        The labels of the run's spec.
    status : CellStatus
        A missing cell was planned and has no record yet.
    found : CellRecord or None
        What ``cell.json`` says; `None` where the cell is missing.
    root : pathlib.Path or None
        The run folder: no table is read that lies elsewhere. `None` where it does not matter.
    """

    folder: Path
    model: str
    quantizer: str
    benchmark: str
    status: CellStatus
    found: CellRecord | None
    root: Path | None = None

    @property
    def record(self) -> CellRecord:
        """What ``cell.json`` says.

        Raises
        ------
        qbench.errors.InputError
            The cell is missing.
        """
        if self.found is None:
            raise InputError("the cell has no record", where=str(self.folder), fix=AGAIN)
        return self.found

    @property
    def done(self) -> bool:
        """Whether it has numbers."""
        return self.status is CellStatus.DONE

    @property
    def names(self) -> dict[str, str]:
        """The three labels, as columns."""
        return {"model": self.model, "quantizer": self.quantizer, "benchmark": self.benchmark}

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """The metrics that its benchmark declares, the main one first; none where it is missing."""
        return self.found.benchmark_info.metrics if self.found else ()

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The groupings of its items; none where they are not known."""
        return self.found.benchmark_info.attributes if self.found else ()

    @property
    def failure(self) -> Failure | None:
        """Why it failed, where it did."""
        return self.found.error if self.found else None

    @property
    def digests(self) -> dict[Path, str]:
        """The files of its tables → their SHA-256, as ``cell.json`` says; empty in cells of earlier versions."""
        return {self.file(name): digest for name, digest in self.found.tables.items()} if self.found else {}

    @property
    def files(self) -> list[Path]:
        """Its files, whether or not they are there: ``cell.json`` and its tables.

        A cell of an earlier version does not say which tables it has besides two; then those that are there.
        """
        names = {*self.found.tables} if self.found else set[str]()
        if self.done and not names:
            names = {"items", "metrics", *(x for x in ("rankings", "noise") if self.file(x).exists())}
        return [self.folder / "cell.json", *(self.file(name) for name in sorted(names))]

    def file(self, name: str) -> Path:
        """Where ``<name>.parquet`` of the cell is; raises `InputError` where a link leads out of the run folder."""
        path = self.folder / f"{name}.parquet"
        return path if self.root is None else inside(self.root, path.relative_to(self.root).as_posix())

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read ``<name>.parquet`` of the cell. Its digest is compared by `check_files`, once for all tables.

        Raises
        ------
        qbench.errors.InputError
            The file is missing or damaged, or lacks one of `columns`.
        """
        return read_table(self.file(name), columns, fix=AGAIN)

    def columns(self, name: str) -> list[str]:
        """The columns of ``<name>.parquet`` of the cell; raises `InputError` as `table` does."""
        return parquet_columns(self.file(name), fix=AGAIN)

    @property
    def ranked(self) -> bool:
        """Whether the variant ranked a gallery."""
        if self.found is not None and self.found.tables:
            return "rankings" in self.found.tables
        return self.file("rankings").exists()

    def outcome(self) -> Outcome:
        """What the variant answered, as the benchmark's task gave it."""
        rankings = self.table("rankings") if self.ranked else None
        return Outcome(items=self.table("items"), rankings=rankings, facts=self.record.facts)

    def numbers(self) -> pd.DataFrame:
        """Its metrics: the index columns as text, ``value`` float64, ``n`` int64.

        Raises
        ------
        qbench.errors.InputError
            The file is missing or damaged, or a number is in it more than once.
        """
        frame = self.table("metrics", columns=[*INDEX, "value", "n"])
        return frame.astype(dict.fromkeys(INDEX, "str") | {"value": "float64", "n": "int64"})


def read_run(folder: Path) -> RunRecord:
    """Read ``run.json``: the head of a run folder.

    Raises
    ------
    qbench.errors.InputError
        `folder` is not a run folder, or its head is damaged or newer than this qbench.
    """
    path = folder / "run.json"
    if not path.is_file():
        what = "this folder is not a qbench run: it has no run.json" if folder.is_dir() else "there is no such folder"
        raise InputError(what, where=str(folder), fix="Name the folder that `qbench run --out` wrote.")
    return read_record(path, RunRecord)


def read_cell(run: Path, relative: str, labels: CellLabels | None = None) -> Cell:
    """Read the record of one cell.

    Parameters
    ----------
    run : pathlib.Path
        The run folder.
    relative : str
        The folder of the cell, as ``run.json`` names it.
    labels : CellLabels, optional
        Its labels, for a cell that is missing.

    Raises
    ------
    qbench.errors.InputError
        The name leads out of the run folder, the record is damaged or newer than this qbench, or it is missing and
        nothing says which cell it would be.
    """
    folder = inside(run, relative)
    path = inside(run, f"{relative}/cell.json")
    if path.is_dir():
        raise InputError("there is a folder where a file has to be", where=str(path), fix=MOVE)
    if not path.is_file():
        if labels is None:
            where = str(run / "run.json")
            raise InputError(f"the labels of the cell {relative!r} are missing", where=where, fix=AGAIN)
        return Cell(folder, labels.model, labels.quantizer, labels.benchmark, CellStatus.MISSING, None, run)
    record = read_record(path, CellRecord)
    return Cell(folder, record.model, record.quantizer, record.benchmark, record.status, record, run)


def read_speed(run: Path, relative: str) -> SpeedRecord:
    """Read the speed of one variant, named as ``run.json`` names it."""
    return read_record(inside(run, relative), SpeedRecord)


def read_environment(run: Path) -> EnvironmentRecord:
    """Read where a run ran; nothing is known where it was not recorded."""
    path = inside(run, "environment.json")
    return read_record(path, EnvironmentRecord) if path.exists() else EnvironmentRecord()


def read_analysis(folder: Path) -> AnalysisRecord | None:
    """Read what the analysis in a folder was made of; `None` where there is none."""
    path = folder / "analysis.json"
    return read_record(path, AnalysisRecord, fix=ANALYSE_AGAIN) if path.exists() else None


def read_analysis_tables(folder: Path, digests: Mapping[str, str]) -> dict[str, pd.DataFrame] | None:
    """Read the tables of an analysis.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the analysis.
    digests : mapping
        Name of a table → SHA-256 of its file, as `AnalysisRecord` has them.

    Returns
    -------
    dict or None
        Name → table; `None` where one is missing or damaged, or belongs to another analysis that was written meanwhile:
        the analysis can be made again (which is said).
    """
    tables = {}
    for name, digest in digests.items():
        path = inside(folder, f"{name}.parquet", named_in="analysis.json")
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        if sha256(content).hexdigest() != digest:
            log.warning("%s: the file is missing or damaged; the analysis is made again", path)
            return None
        tables[name] = pd.read_parquet(BytesIO(content))
    return tables


def check_files(root: Path, run: RunRecord, cells: Iterable[Cell]) -> None:
    """Compare the files of a run with the digests that were taken when they were written, and read its speeds.

    A reader does this once; then it reads the tables as often as it likes. Files of which no digest was taken (in run
    folders of earlier versions) are not compared.

    Raises
    ------
    qbench.errors.InputError
        A file is missing or damaged.
    """
    drift = [(_drift_file(root, name), (run.digests or {}).get(name, "")) for name in run.drift]
    tables = [pair for cell in cells if cell.done for pair in cell.digests.items()]
    refuse_damage([*tables, *(drift if run.digests is not None else ())], fix=AGAIN)
    for name in run.speed:
        read_speed(root, name)


def _drift_file(root: Path, name: str) -> Path:
    path = inside(root, name)
    if not (path.name.startswith("drift-") and path.suffix == ".parquet"):
        raise DamageError(f"the file is damaged: {name!r} is not a drift file", where=str(root / "run.json"), fix=AGAIN)
    return path


def read_record(path: Path, kind: type[Record], *, fix: str = AGAIN) -> Record:
    """Read one file of a run folder, of this format or an earlier one.

    Raises
    ------
    DamageError
        It is missing or damaged.
    qbench.errors.InputError
        It was written by a newer qbench.
    """
    values = read_json_object(path, error=DamageError, fix=fix)
    form = values.get("format", 1)
    if not isinstance(form, int) or isinstance(form, bool) or form < 1:
        raise DamageError(f"the file is damaged: its format is {form!r}", where=str(path), fix=fix)
    if form > FORMAT:
        raise InputError(
            f"it was written by a newer qbench (format {form}; this one reads up to {FORMAT})",
            where=str(path),
            fix="Upgrade: pip install --upgrade qbench-vlm",
        )
    if is_damaged(values, known=kind.model_fields):
        raise DamageError("the file is damaged: it is not what was written", where=str(path), fix=fix)
    if (field := too_large(values)) is not None:
        raise DamageError(f"the file is damaged: {field} is too large a number", where=str(path), fix=fix)
    try:
        # As JSON, because only there a list stands for a tuple and a text for a word of a vocabulary.
        return kind.model_validate_json(json.dumps(upgrade(kind.__name__, values, FORMAT)))
    except ValidationError as error:
        raise DamageError(f"the file is damaged: {complaint(error)}", where=str(path), fix=fix) from None
