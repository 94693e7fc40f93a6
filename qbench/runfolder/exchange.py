"""A run folder whose parts are exchanged by an object store: the working copy on this machine, and the store.

The working copy is written and read as any run folder. Each of its parts (a cell, the speed of a variant, ``run.json``,
the analysis, the report) is put into the store when it is written, and fetched from there when what others have written
is needed. A process has a working copy of its own; what is not in the store is removed from it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar

from qbench.errors import MachineError
from qbench.runfolder.integrity import damage, inside
from qbench.store.cache import COPIES, cache_folder
from qbench.store.files import atomic, machine_errors
from qbench.store.folders import remove_tree
from qbench.store.keys import key_of
from qbench.store.lock import held
from qbench.store.objects.address import address_of
from qbench.store.objects.store import NothingThereError, opened, opened_to_read
from qbench.store.objects.versions import AT_ONCE, Version, VersionedFolder

log = logging.getLogger(__name__)

CONCLUSION = ("analysis", "report.html")
"""The parts that follow from all cells."""
NAME = r"[^/.][^/]*"
PART = re.compile(
    rf"cells/{NAME}/{NAME}/{NAME}|speed/{NAME}/{NAME}\.json|run\.json|environment\.json|analysis|report\.html"
)
"""The parts of a run folder; no other name in a store is looked at."""

Given = TypeVar("Given")


class RunExchange:
    """The exchange of one run folder with an object store.

    Parameters
    ----------
    store : VersionedFolder
        The run in the store.
    folder : pathlib.Path
        The working copy.
    """

    def __init__(self, store: VersionedFolder, folder: Path) -> None:
        self.address, self.folder = store.store.address, folder
        self._store = store
        self._numbers: dict[str, int] = {}

    def pull(self, *, verify: bool = False) -> None:
        """Make the working copy what is in the store. Files that are damaged there are missing then (which is said).

        Parameters
        ----------
        verify : bool
            Read all files of the store, also those that the working copy has; one that is damaged there is then put
            there again. Otherwise only those are read that the working copy lacks.

        Raises
        ------
        MachineError
            The store does not answer, or the working copy cannot be written.
        """
        latest = {part: version for part, version in self._store.latest().items() if PART.fullmatch(part)}
        self._mirror(latest, verify=verify)
        for part in [part for part in self._parts_here() if part not in latest]:
            remove_tree(self.folder / part)

    def update(self, part: str, write: Callable[[], Given], unless: Callable[[], bool] = lambda: False) -> Given:
        """Write a part of the working copy, and put it into the store.

        Parameters
        ----------
        part : str
            Which.
        write : callable
            Writes it, or removes it. It is called again where somebody else has written the part meanwhile, when the
            working copy has what they wrote.
        unless : callable
            Whether what they wrote stays, and is not replaced.

        Returns
        -------
        object
            What `write` gave the last time.
        """
        while True:
            given = write()
            if self._create(part):
                return given
            self._mirror({part: self._store.latest().get(part, Version(0, {}))})
            if unless():
                return given

    def conclude(self) -> bool:
        """Put analysis and report into the store, unless others have changed a cell of the run since the last pull.

        Returns
        -------
        bool
            Whether they were put there. If not, those others conclude the run when they have finished.
        """
        for part in CONCLUSION:
            done = False
            while not done:
                numbers = {part: number for part, number in self._store.numbers().items() if PART.fullmatch(part)}
                if any(self._numbers.get(x, 0) != number for x, number in numbers.items() if x.startswith("cells/")):
                    return False
                self._numbers[part] = numbers.get(part, 0)
                done = self._create(part)
        with suppress(OSError):
            self._store.store.put("report.html", (self.folder / "report.html").read_bytes())
        return True

    def put_logs(self) -> None:
        """Put the logs of this working copy beside the run, for people who look for the cause of something.

        Where the store does not answer, it is said by whatever else is put there, and not asked again for each log.
        """
        with suppress(OSError, MachineError):
            for name in ("run.log", "run.log.jsonl"):
                self._store.store.put(f"logs/{self.folder.name}/{name}", (self.folder / name).read_bytes())

    @property
    def spent(self) -> str:
        """What was asked of the store by this process, in words."""
        return self._store.store.spent

    def _create(self, part: str) -> bool:
        """Put what the working copy has of a part into the store as its next version; whether nobody else was first."""
        contents = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in self._files(part)}
        number = self._numbers.get(part, 0) + 1
        if not self._store.create(part, number, contents):
            return False
        self._numbers[part] = number
        return True

    def _mirror(self, parts: Mapping[str, Version], *, verify: bool = False) -> None:
        """Make parts of the working copy what versions say."""
        wanted: dict[Path, str] = {}
        for part, version in parts.items():
            self._numbers[part] = version.number
            named = {inside(self.folder, name): x for name, x in version.files.items() if _belongs(name, part)}
            wanted |= named
            for path in self._files(part):
                if path not in named:
                    path.unlink(missing_ok=True)
            if not named:
                remove_tree(self.folder / part)
        with machine_errors(self.folder), ThreadPoolExecutor(AT_ONCE) as pool:
            lacking = [path for path, digest in wanted.items() if damage(path, digest)]
            read = list(wanted) if verify else lacking
            for path, content in zip(read, pool.map(lambda path: self._store.content(wanted[path]), read), strict=True):
                if path in lacking:
                    self._take(path, content)
                elif content is None:
                    self._store.mend(path.read_bytes())

    def _take(self, path: Path, content: bytes | None) -> None:
        """Write a file that was fetched."""
        if content is None:
            log.warning("%s: it is missing or damaged in the store, and counts as absent", path)
            path.unlink(missing_ok=True)
            return
        with atomic(path) as temporary:
            temporary.write_bytes(content)

    def _files(self, part: str) -> list[Path]:
        """The files of a part in the working copy."""
        path = self.folder / part
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        return [file for file in found if file.is_file() and not file.name.startswith(".")]

    def _parts_here(self) -> Iterator[str]:
        """The parts that the working copy has."""
        for pattern in ("cells/*/*/*", "speed/*/*.json", "run.json", "environment.json", *CONCLUSION):
            for path in self.folder.glob(pattern):
                yield path.relative_to(self.folder).as_posix()


def _belongs(name: str, part: str) -> bool:
    """Whether a file is one of a part, as far as its name tells."""
    path = PurePosixPath(name)
    return (name == part or path.is_relative_to(part)) and not any(x.startswith(".") for x in path.parts)


def run_folder(given: str | Path) -> Path:
    """The folder of a run that a user names to read it: a folder, or a working copy of the run in an object store.

    Raises
    ------
    qbench.errors.InputError
        The store has no run.
    MachineError
        The store does not answer.
    """
    address = address_of(given)
    return Path(given) if address is None else fetched(address).folder


def planned_folder(given: str | Path) -> Path:
    """The same for a run that need not have begun yet."""
    address = address_of(given)
    if address is None:
        return Path(given)
    try:
        return fetched(address).folder
    except NothingThereError:
        folder = working_copy(address, "read")
        remove_tree(folder)
        return folder


@contextmanager
def place(given: str | Path, use: str) -> Iterator[tuple[Path, RunExchange | None]]:
    """The folder that a run is written into, and the object store with which it is exchanged.

    As long as the block lasts, no other process uses the same working copy: it would remove what is not in the store.

    Parameters
    ----------
    given : str or pathlib.Path
        What a user names: a folder, or the address of a store.
    use : str
        What the working copy is for, such as one shard. It is made what is in the store when the run begins.

    Raises
    ------
    qbench.errors.InputError
        The store has something else, or another process uses the working copy.
    MachineError
        The store does not answer, or has no conditional writes.
    """
    address = address_of(given)
    if address is None:
        yield Path(given), None
        return
    folder = working_copy(address, use)
    with _alone(folder):
        yield folder, RunExchange(VersionedFolder(opened(address, "run")), folder)


@contextmanager
def to_conclude(given: str | Path) -> Iterator[tuple[Path, RunExchange | None]]:
    """The folder of a run that is to be analysed anew, and the object store into which that is put; see `place`.

    A run in a store is fetched. Raises also where there is none.
    """
    address = address_of(given)
    if address is not None:
        opened_to_read(address, "run")  # which writes nothing: the address may be wrong
    with place(given, "analyse") as (folder, exchange):
        if exchange is not None:
            exchange.pull()
        yield folder, exchange


@contextmanager
def fetched_anew(given: str | Path) -> Iterator[Path]:
    """The folder of a run of which all files are to be compared: of one in a store, each object is fetched again.

    Nobody else uses the working copy as long as the block lasts. Raises as `run_folder`.
    """
    address = address_of(given)
    if address is None:
        yield Path(given)
        return
    store, folder = opened_to_read(address, "run"), working_copy(address, "verify")
    with _alone(folder):
        remove_tree(folder)
        RunExchange(VersionedFolder(store), folder).pull()
        yield folder


def _alone(folder: Path) -> AbstractContextManager[None]:
    """Hold the lock of a working copy, which lies beside it; another process that wants it is refused."""
    return held(folder.with_name(f".{folder.name}.lock"), of=folder, wait=False)


def working_copy(address: str, use: str) -> Path:
    """The folder of a working copy of the run in a store, for one use: a shard, a whole run, or reading."""
    return cache_folder() / COPIES / key_of({"address": address})[:16] / use


def fetched(address: str) -> RunExchange:
    """Fetch a run that is in a store, to read it.

    Raises
    ------
    qbench.errors.InputError
        There is none.
    MachineError
        The store does not answer.
    """
    folder = working_copy(address, "read")
    exchange = RunExchange(VersionedFolder(opened_to_read(address, "run")), folder)
    with held(folder / ".lock", of=folder):
        exchange.pull()
    return exchange
