"""Whether a run folder is what was written: files are compared with their digests, numbers and verdicts made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import pandas as pd

from qbench.errors import InputError, StatisticError
from qbench.results import load
from qbench.results.analysis import TABLES, make, not_repeatable
from qbench.results.compare_tables import table_differences
from qbench.results.recompute import differences, measure_of
from qbench.runfolder.bundle import unpacked
from qbench.runfolder.integrity import SEAL, damage, inside
from qbench.runfolder.reader import Cell, read_analysis, read_cell, read_environment, read_run, read_speed
from qbench.runfolder.schema import AnalysisRecord, RunRecord
from qbench.store.files import read_json_object
from qbench.text import counted

FOLDERS = ("cells", "speed", "analysis")
"""The folders of a run folder in which every file is one of a run."""
MOST = 5
"""Numbers of one cell that are named."""


class Verdict(StrEnum):
    """What was found of a file."""

    DIFFERS = "differs"
    UNCHECKED = "not checked"
    KEPT = "kept"


@dataclass(frozen=True)
class Finding:
    """Something that a reader has to know of one file.

    Attributes
    ----------
    verdict : Verdict
        ``differs``: it is not what was written, or its numbers or verdicts do not follow from the items.
        ``not checked``: there is nothing to compare with on this machine. ``kept``: it is of an earlier spec and no
        part of the run.
    file : str
        The file or folder, relative to the run folder.
    what : str
        What was found, in words.
    """

    verdict: Verdict
    file: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found of a run folder.

    Attributes
    ----------
    run : str
        The run folder, or the bundle.
    files : int
        Files that are what was written.
    cells, recomputed : int
        Cells that are done, and those whose numbers were computed again and are equal.
    analysed : bool or None
        Whether the analysis was made again and is equal; `None` where there is none.
    findings : tuple of Finding
        All else.
    """

    run: str
    files: int
    cells: int
    recomputed: int
    analysed: bool | None
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0: all is as it was written, 1: something differs, 2: something could not be checked."""
        found = {finding.verdict for finding in self.findings}
        return 1 if Verdict.DIFFERS in found else 2 if Verdict.UNCHECKED in found else 0


def verify(run: Path) -> Verification:
    """Check a run folder, or a bundle of one.

    Parameters
    ----------
    run : pathlib.Path
        The run folder, or the file that ``qbench bundle`` wrote.

    Raises
    ------
    qbench.errors.InputError
        It is neither, or its ``run.json`` is damaged or was written by a newer qbench.
    """
    if not run.is_file():
        return _verify(run, run)
    with unpacked(run) as (folder, problems):
        if problems:
            found = tuple(Finding(Verdict.DIFFERS, name, what) for name, what in sorted(problems.items()))
            return Verification(run=str(run), files=0, cells=0, recomputed=0, analysed=None, findings=found)
        return _verify(folder, run)


def _verify(folder: Path, run: Path) -> Verification:
    checking = _Checking(folder)
    checking.all(read_run(folder))
    return Verification(
        run=str(run),
        files=len(checking.fine),
        cells=len(checking.done),
        recomputed=checking.recomputed,
        analysed=checking.analysed,
        findings=tuple(checking.findings),
    )


class _Checking:
    """Goes through a run folder and notes what it finds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: list[Finding] = []
        self.fine: set[Path] = set()
        self.seen: set[Path] = set()
        self.current: set[Path] = set()
        self.done: list[Cell] = []
        self.recomputed = 0
        self.analysed: bool | None = None

    def all(self, run: RunRecord) -> None:
        """Check everything."""
        self._json(self.folder / "run.json")
        if (self.folder / "environment.json").exists():
            self._record("environment.json", partial(read_environment, self.folder))
        else:
            self._note(Verdict.DIFFERS, self.folder / "environment.json", "the file is missing")
        for name in run.cells:
            self._cell(name, run)
        for name in run.drift:
            self._table(inside(self.folder, name), (run.digests or {}).get(name))
        for name in run.speed:
            self._record(name, partial(read_speed, self.folder, name))
        self._analysis()
        self._others()

    def _cell(self, name: str, run: RunRecord) -> None:
        path = self.folder / name / "cell.json"
        self.current.add(path.parent)
        try:
            cell = read_cell(self.folder, name, run.labels.get(name))
        except InputError as error:
            self._note(Verdict.DIFFERS, path, error.what)
            return
        if cell.found is None:
            self._note(Verdict.DIFFERS, path, "the cell is not there")
            return
        self._json(path)
        if not cell.done:
            return
        self.done.append(cell)
        whole = [self._table(table, cell.digests.get(table)) for table in cell.files[1:]]
        if all(whole):
            self._numbers(cell)

    def _numbers(self, cell: Cell) -> None:
        """Compute the numbers of a cell again."""
        info, path = cell.record.benchmark_info, cell.folder / "metrics.parquet"
        try:
            measure = measure_of(cell)
        except InputError as error:
            self._note(Verdict.UNCHECKED, path, f"not computed again: {error.what}")
            return
        try:
            found = differences(cell, measure)
        except InputError as error:
            self._note(Verdict.DIFFERS, path, error.what)
            return
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            what = f"not computed again: {info.record!r} raised {type(error).__name__}: {error}"
            self._note(Verdict.UNCHECKED, path, what)
            return
        self._differ(path, found)
        self.recomputed += not found

    def _differ(self, path: Path, found: list[str]) -> None:
        for what in found[:MOST]:
            self._note(Verdict.DIFFERS, path, what)
        if len(found) > MOST:
            self._note(Verdict.DIFFERS, path, f"and {counted(len(found) - MOST, 'more number')}")

    def _analysis(self) -> None:
        folder = self.folder / "analysis"
        path = folder / "analysis.json"
        try:
            record = read_analysis(folder)
        except InputError as error:
            self._note(Verdict.DIFFERS, path, error.what)
            return
        if record is None:
            return
        self.analysed = False
        self._json(path)
        tables = {name: inside(self.folder, f"analysis/{name}.parquet") for name in record.tables}
        for name, digest in record.tables.items():
            self._table(tables[name], digest)
        if any(finding.verdict is Verdict.DIFFERS for finding in self.findings):
            self._note(Verdict.UNCHECKED, path, "not computed again: it was made of files that differ")
        elif self.recomputed < len(self.done):
            self._note(Verdict.UNCHECKED, path, "not computed again: the numbers of some cells were not")
        else:
            self._verdicts(record, tables)

    def _verdicts(self, record: AnalysisRecord, tables: dict[str, Path]) -> None:
        """Make the analysis again, with the settings that it was made with."""
        path = self.folder / "analysis" / "analysis.json"
        try:
            results = load(self.folder)
            why = not_repeatable(results, record)
            again = None if why else make(results, record.settings)
        except StatisticError as error:
            where = f" ({error.where})" if error.where else ""
            self._note(Verdict.UNCHECKED, path, f"not computed again: {error.what}{where}")
            return
        except InputError as error:
            self._note(Verdict.DIFFERS, path, error.what)
            return
        if again is None:
            self._note(Verdict.UNCHECKED, path, f"not computed again: {why}")
            return
        made = {**{name: getattr(again, name) for name in TABLES}, **again.added}
        found = {
            name: table_differences(pd.read_parquet(tables[name]), table) if name in tables else ["it is missing"]
            for name, table in made.items()
        }
        for name, said in found.items():
            self._differ(tables.get(name, path), said)
        self.analysed = not any(found.values())

    def _others(self) -> None:
        """Files that are not part of the run."""
        kept: set[Path] = set()
        for path in sorted(path for name in FOLDERS for path in (self.folder / name).rglob("*")):
            if path.is_dir() or path in self.seen or path.name == ".lock":
                continue
            cell = path.parent
            if path.name.startswith("drift-") or path.relative_to(self.folder).parts[0] == "speed":
                self._note(Verdict.KEPT, path, "the file is of an earlier spec and no part of this run")
            elif cell not in self.current and (cell / "cell.json").is_file():
                kept.add(cell)
            else:
                self._note(Verdict.DIFFERS, path, "the file is not part of the run")
        for cell in sorted(kept):
            self._note(Verdict.KEPT, cell, "the cell is of an earlier spec and no part of this run")

    def _record(self, name: str, read: Callable[[], object]) -> None:
        path = self.folder / name
        try:
            read()
        except InputError as error:
            self._note(Verdict.DIFFERS, path, error.what)
        else:
            self._json(path)

    def _json(self, path: Path) -> None:
        """A JSON file that was read, and thereby compared with its digest, if it has one."""
        if SEAL in read_json_object(path):
            self.seen.add(path)
            self.fine.add(path)
        else:
            self._note(Verdict.UNCHECKED, path, "no digest was taken of it: it was written by an earlier version")

    def _table(self, path: Path, digest: str | None) -> bool:
        """Compare a table with its digest; whether it is worth reading."""
        if digest is None:
            self._note(Verdict.UNCHECKED, path, "no digest was taken of it: it was written by an earlier version")
            return path.exists()
        what = damage(path, digest)
        if what:
            self._note(Verdict.DIFFERS, path, what)
        else:
            self.seen.add(path)
            self.fine.add(path)
        return not what

    def _note(self, verdict: Verdict, path: Path, what: str) -> None:
        self.seen.add(path)
        self.findings.append(Finding(verdict, path.relative_to(self.folder).as_posix(), what))
