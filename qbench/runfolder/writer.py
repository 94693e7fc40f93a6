"""Writing a run folder. It can be copied to another machine and reported there.

::

    run.json          the resolved spec, the cells of the latest plan, notes
    environment.json  where it ran
    run.log           warnings and tracebacks
    run.log.jsonl     what was done when, with the same warnings and tracebacks, as JSON lines
    cells/<benchmark>/<model>/<quantizer>-<key>/
        cell.json  items.parquet  metrics.parquet  rankings.parquet (retrieval)  noise.parquet (where asked for)
        drift-<key>.parquet (against the baseline's embeddings of this key)
    speed/<model>/<quantizer>-<key>.json (where asked for)

    .lock             held by a run, or by several shards of one together
    .locks/           held for as long as one cell, or run.json, the analysis or the report, is written

``cell.json`` is written last: a cell is done when this file exists and says so, and its tables have the digests that
are in it. See `qbench.runfolder.integrity`.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import pandas as pd

from qbench.errors import InputError
from qbench.metrics.interface import Outcome
from qbench.runfolder.integrity import DamageError, damage, inside, refuse_damage, refuse_links, sealed
from qbench.runfolder.reader import read_analysis, read_cell, read_record
from qbench.runfolder.schema import (
    AnalysisRecord,
    CellRecord,
    EnvironmentRecord,
    RunRecord,
    SpeedRecord,
)
from qbench.runfolder.schema.base import RecordFile
from qbench.runfolder.tables import read_table, write_parquet, write_table
from qbench.store.digests import file_digest
from qbench.store.files import machine_errors, write_json
from qbench.store.folders import remove_tree
from qbench.store.keys import key_of
from qbench.store.lock import held
from qbench.vocabulary import CellStatus

SHORT = 8

LOCKS = ".locks"
"""The folder with the locks of the parts of a run folder. A lock of a process that has ended is free."""

log = logging.getLogger(__name__)

Given = TypeVar("Given")

LONGEST = 60
"""The most characters of a folder's name that is made of a label."""


def slug(label: str) -> str:
    """A label as the name of a folder in a run: that of `folder_name`, with a hash where it has upper-case letters.

    So labels that differ in their case only have different folders on file systems that ignore case, too.

    Examples
    --------
    >>> slug("facet"), slug("FACET")
    ('facet', 'FACET-ae21ab')
    """
    name = folder_name(label)
    return name if name != label or label == label.lower() else _with_hash(name, label)


def folder_name(label: str) -> str:
    """A label as a folder's name: letters, digits, dot, dash; never empty, never special, at most 60 characters.

    Different labels have different names: one that cannot be taken as it is gets a short hash of the label.

    Examples
    --------
    >>> folder_name("facet"), folder_name("int8 (a)"), folder_name("int8 [a]")
    ('facet', 'int8-a-2b8aec', 'int8-a-dc8bc5')
    """
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", label).strip("-.")
    return plain if plain and plain == label and len(plain) <= LONGEST else _with_hash(plain, label)


def _with_hash(plain: str, label: str) -> str:
    digest = hashlib.sha256(label.encode(errors="surrogatepass")).hexdigest()[:6]
    return f"{plain[: LONGEST - len(digest) - 1].strip('-.') or 'x'}-{digest}"


class Exchange(Protocol):
    """What exchanges the parts of a run folder by an object store; see `qbench.runfolder.exchange.RunExchange`."""

    def update(self, part: str, write: Callable[[], Given], unless: Callable[[], bool] = ..., /) -> Given:
        """Write a part, and put it into the store."""
        ...


class RunFolder:
    """Writes and reads one run folder.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    exchange : Exchange, optional
        What has each part that is written put into an object store.
    """

    def __init__(self, root: Path, exchange: Exchange | None = None) -> None:
        self.root, self._exchange = root, exchange

    @property
    def log(self) -> Path:
        """The log file."""
        return self.root / "run.log"

    @property
    def structured_log(self) -> Path:
        """The log file for programs."""
        return self.root / "run.log.jsonl"

    def check_usable(self) -> None:
        """Raise `InputError` where the folder holds something else than a run, or links that lead out of it."""
        if self.root.is_file():
            raise InputError("this is a file, not a run folder", where=str(self.root), fix="Choose another --out.")
        refuse_links(self.root)
        if not self.root.is_dir() or (self.root / "run.json").exists() or any(self._cells()):
            return
        own = (".lock", LOCKS, "run.log", "run.log.jsonl")
        others = sorted(p.name for p in self.root.iterdir() if p.name not in own)
        if others:
            raise InputError(
                f"the folder holds other things ({', '.join(others[:3])})",
                where=str(self.root),
                fix="Choose an empty or a new folder with --out.",
            )

    def cell(self, benchmark: str, model: str, quantizer: str, key: str) -> str:
        """The relative folder of a cell: its own, or the one in which an earlier qbench put a cell of these labels."""
        name, earlier = (
            f"cells/{named(benchmark)}/{named(model)}/{named(quantizer)}-{key[:SHORT]}" for named in (slug, folder_name)
        )
        if name == earlier or (self.root / name / "cell.json").exists():
            return name
        labels = {"benchmark": benchmark, "model": model, "quantizer": quantizer}
        return earlier if _is_of(self.root / earlier / "cell.json", CellRecord, labels) else name

    def speed(self, model: str, quantizer: str, key: str) -> Path:
        """The file with a variant's speed: its own, or the one that an earlier qbench wrote for these labels."""
        path, earlier = (
            self.root / "speed" / named(model) / f"{named(quantizer)}-{key[:SHORT]}.json"
            for named in (slug, folder_name)
        )
        if path == earlier or path.exists():
            return path
        return earlier if _is_of(earlier, SpeedRecord, {"model": model, "quantizer": quantizer}) else path

    def drift(self, cell: str, key: str) -> Path:
        """The file with a cell's distance from the baseline whose image embeddings have this key."""
        return self.root / cell / f"drift-{key[:SHORT]}.parquet"

    def read_cell(self, cell: str) -> CellRecord | None:
        """``cell.json``, or `None` where there is none that can be read: it is then computed again."""
        try:
            return read_record(self.root / cell / "cell.json", CellRecord)
        except InputError:
            return None

    def missing(self, cell: str, key: str) -> str | None:
        """Why a cell has to be computed: what of it is damaged, or nothing where it was never complete.

        Returns
        -------
        str or None
            `None` where the cell with this very key is complete, and all its tables are as they were written.

        Raises
        ------
        qbench.errors.InputError
            The cell was written by a newer qbench.
        """
        if not (self.root / cell / "cell.json").exists():
            return ""
        try:
            found = read_cell(self.root, cell)
        except DamageError as error:
            return f"{error.where}: {error.what}"
        if not found.done or found.record.key != key:
            return ""
        try:
            if found.digests:
                refuse_damage(found.digests.items(), fix="")
            else:  # of an earlier version: as far as reading it tells
                found.outcome()
                found.numbers()
        except InputError as error:
            return f"{error.where}: {error.what}"
        return None

    def ended(self, cell: str, key: str) -> CellStatus | None:
        """How a cell with this very key ended, as far as its record says; `None` where it has not."""
        record = self.read_cell(cell)
        return record.status if record is not None and record.key == key else None

    def is_done(self, cell: str, key: str) -> bool:
        """Whether a cell with this very key is complete and undamaged."""
        return self.missing(cell, key) is None

    def write_cell(
        self,
        cell: str,
        record: CellRecord,
        *,
        outcome: Outcome | None = None,
        metrics: pd.DataFrame | None = None,
        noise: pd.DataFrame | None = None,
    ) -> None:
        """Write a cell's tables, then its ``cell.json``.

        Parameters
        ----------
        cell : str
            The relative folder of the cell.
        record : CellRecord
            What it was, and how it ended.
        outcome : Outcome, optional
            What the variant answered.
        metrics : pandas.DataFrame, optional
            Its numbers.
        noise : pandas.DataFrame, optional
            Its numbers in other orders of the items.

        Raises
        ------
        qbench.errors.InputError
            A table lacks a column, or one holds something else than it should.
        """
        self._write(
            cell,
            lambda: self._write_cell(self.root / cell, record, outcome, metrics, noise),
            lambda: self.ended(cell, record.key) is CellStatus.DONE,
        )

    def _write_cell(
        self,
        folder: Path,
        record: CellRecord,
        outcome: Outcome | None,
        metrics: pd.DataFrame | None,
        noise: pd.DataFrame | None,
    ) -> None:
        tables = {
            "items": None if outcome is None else outcome.items,
            "rankings": None if outcome is None else outcome.rankings,
            "metrics": metrics,
            "noise": noise,
        }
        digests = {}
        with self._writing(folder):
            (folder / "cell.json").unlink(missing_ok=True)
            for name, table in tables.items():
                path = folder / f"{name}.parquet"
                path.unlink(missing_ok=True)
                if table is not None:
                    write_table(path, table)
                    digests[name] = file_digest(path)
            _write_record(folder / "cell.json", record.model_copy(update={"tables": digests}))

    def write_drift(self, path: Path, table: pd.DataFrame) -> str:
        """Write how far a variant moved the embeddings of a cell's images, into the file that `drift` names.

        Returns
        -------
        str
            SHA-256 of the file, for ``run.json``.
        """

        def write() -> str:
            with self._writing(path.parent):
                write_table(path, table)
                return file_digest(path)

        return self._write(self._name(path.parent), write)

    def drift_digest(self, path: Path, known: RunRecord | None) -> str:
        """SHA-256 of a drift file that is whole, as far as a ``run.json`` tells; empty where it is to be made again."""
        if known is None or not path.exists():
            return ""
        name = path.relative_to(self.root).as_posix()
        if known.digests is not None:
            digest = known.digests.get(name, "")
            what = damage(path, digest) if digest else ""
            if what:
                log.warning("%s: %s; it is made again", path, what)
            return digest if not what else ""
        try:  # of an earlier version: as far as reading it tells
            read_table(path)
        except InputError:
            return ""
        return file_digest(path)

    def has_speed(self, path: Path) -> bool:
        """Whether the speed of a variant is there and whole."""
        if not path.exists():
            return False
        try:
            read_record(path, SpeedRecord)
        except InputError as error:
            log.warning("%s: %s; it counts as missing", path, error.what)
            return False
        return True

    def forget_failures(self, cells: Iterable[str]) -> int:
        """Remove the failed cells that are not among `cells` (they hold an error only); how many others are left over.

        Those are done cells of an earlier spec: kept, because somebody paid for them, but no part of this run.
        """
        current, kept = set(cells), 0
        for path in self._cells():
            cell = path.parent.relative_to(self.root).as_posix()
            if cell in current:
                continue
            found = self.read_cell(cell)
            if found is not None and found.status is CellStatus.FAILED:
                self._write(cell, partial(self._remove, path.parent))
            else:
                kept += 1
        return kept

    def _remove(self, cell: Path) -> None:
        with self._writing(cell):
            remove_tree(cell)

    def _cells(self) -> Iterator[Path]:
        """Every ``cell.json`` that is in the folder; none that a link leads to."""
        for path in self.root.glob("cells/*/*/*/cell.json"):
            try:
                yield inside(self.root, path.relative_to(self.root).as_posix())
            except InputError:
                continue

    def known(self) -> RunRecord | None:
        """``run.json`` of the latest run in this folder; `None` where it is missing or damaged.

        Raises
        ------
        qbench.errors.InputError
            It was written by a newer qbench.
        """
        try:
            return read_record(self.root / "run.json", RunRecord)
        except DamageError:
            return None

    def update_run(self, make: Callable[[RunRecord | None], RunRecord]) -> None:
        """Write ``run.json``, which `make` makes from what `known` gives; nobody else writes it meanwhile."""

        def write() -> None:
            with concluding(self.root):
                _write_record(self.root / "run.json", make(self.known()))

        self._write("run.json", write)

    def write_environment(self, record: EnvironmentRecord) -> None:
        """Write ``environment.json``."""

        def write() -> None:
            with concluding(self.root):
                _write_record(self.root / "environment.json", record)

        self._write("environment.json", write)

    def write_speed(self, path: Path, record: SpeedRecord) -> None:
        """Write the speed of a variant, into the file that `speed` names."""

        def write() -> None:
            with self._writing(path):
                _write_record(path, record)

        self._write(self._name(path), write)

    def _writing(self, part: Path) -> AbstractContextManager[None]:
        """Hold the lock of one part of the folder: nobody else writes it meanwhile."""
        return _lock(self.root, self._name(part))

    def _name(self, part: Path) -> str:
        return part.relative_to(self.root).as_posix()

    def _write(self, part: str, write: Callable[[], Given], unless: Callable[[], bool] = lambda: False) -> Given:
        """Write a part; where it is exchanged, another process may do so at the same time, see `Exchange`."""
        return write() if self._exchange is None else self._exchange.update(part, write, unless)


def concluding(root: Path) -> AbstractContextManager[None]:
    """Hold the lock of what follows from all cells of a run folder: ``run.json``, the analysis and the report.

    Raises
    ------
    qbench.errors.InputError
        The folder has links that lead out of it.
    """
    refuse_links(root)
    return _lock(root, "run.json")


@contextmanager
def _lock(root: Path, name: str) -> Iterator[None]:
    with held(root / LOCKS / f"{key_of({'part': name})[:16]}.lock", of=root / name), machine_errors(root / name):
        yield


def discard_damaged_analysis(folder: Path) -> bool:
    """Remove an ``analysis.json`` that cannot be read, so that the analysis is made again; whether there was one.

    Raises
    ------
    qbench.errors.InputError
        It was written by a newer qbench.
    """
    try:
        read_analysis(folder)
    except DamageError:
        with concluding(folder.parent):
            (folder / "analysis.json").unlink(missing_ok=True)
        return True
    return False


def write_analysis(folder: Path, record: AnalysisRecord, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write the tables of an analysis into its folder, each by its name, then ``analysis.json`` with their digests.

    Two writers wait for each other. A reader does not wait: it tells by the digests which tables belong together.
    """
    with concluding(folder.parent):
        (folder / "analysis.json").unlink(missing_ok=True)
        digests = {}
        for name, table in tables.items():
            path = folder / f"{name}.parquet"
            write_parquet(path, table)
            digests[name] = file_digest(path)
        _write_record(folder / "analysis.json", record.model_copy(update={"tables": digests}))


def _is_of(path: Path, kind: type[RecordFile], labels: Mapping[str, str]) -> bool:
    """Whether a record is there and says that it is of these labels."""
    try:
        record = read_record(path, kind)
    except InputError:
        return False
    return all(getattr(record, name) == label for name, label in labels.items())


def _write_record(path: Path, record: RecordFile) -> None:
    write_json(path, sealed(record.json_values()))
