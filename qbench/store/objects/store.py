"""The objects of a store: put, created, fetched, listed. The only module that uses fsspec."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from qbench.errors import InputError, MachineError

log = logging.getLogger(__name__)

MARK = "about.json"
"""The first object of a store, which says what the store is for."""
FORMAT = 1
PRECONDITION_FAILED, CONFLICT = 412, "ConditionalRequestConflict"
"""How S3 says that an object exists, and that another request for the same object is going on."""
CONFLICTS, PAUSE = 6, 0.1
"""How often a request is sent where there is such another one, and the seconds before it is sent again at first."""
OPTIONS = {"s3": {"max_concurrency": 1}}
"""What is asked of fsspec for a kind of store. For more at a time, s3fs would ask for the size of each object first."""
OTHER_MEANING = ("::", "?versionId=")
"""What fsspec and s3fs do not take for a part of a name: two addresses in one, and the version of an object."""
CONTINUE = "Nothing is lost: the same command continues."
CREDENTIALS = "Check the credentials, and that they allow to read, to list and to write objects. " + CONTINUE


class NothingThereError(InputError):
    """There is nothing of qbench in a store. Exit code 2."""


class ObjectStore:
    """The objects below an address. Several threads may use it.

    Parameters
    ----------
    address : str
        Such as ``s3://bucket/cache``.
    files : fsspec.AbstractFileSystem
        What does the work. It must not remember what it has listed.
    root : str
        The address as `files` names it.

    Attributes
    ----------
    requests : collections.Counter
        How many objects were put, created, fetched and deleted, and how many lists were asked for.
    sent, fetched : int
        Bytes.
    """

    def __init__(self, address: str, files: Any, root: str) -> None:
        self.address, self._files, self._root = address, files, root.rstrip("/")
        self.requests = Counter[str]()
        self.sent = self.fetched = 0
        self._counting = threading.Lock()

    @classmethod
    def of(cls, address: str) -> ObjectStore:
        """The store of an address, which is not asked for anything yet; see `opened`.

        Raises
        ------
        InputError
            The package for such stores is not installed.
        """
        return cls(address, *_files(address))

    def put(self, name: str, content: bytes) -> None:
        """Put an object, in place of one that has this name.

        For objects whose name has the digest of their content, and for those that only one process writes.

        Raises
        ------
        MachineError
            The store cannot be written. So do all other methods raise it.
        """
        with self._asked("put", name):
            self._files.pipe_file(self._path(name), content)
        self._count(sent=len(content))

    def create(self, name: str, content: bytes) -> bool:
        """Put an object if there is none of this name; whether it is this one that is there now.

        A request whose answer was lost is repeated, and is then refused because of the object that it has made. So one
        that has the same content counts as this one.
        """
        return self.create_once(name, content) or self.get(name) == content

    def create_once(self, name: str, content: bytes) -> bool:
        """Put an object if there is none of this name; whether the store did so."""
        try:
            with self._asked("create", name):
                self._create(name, content)
        except FileExistsError:
            return False
        self._count(sent=len(content))
        return True

    def _create(self, name: str, content: bytes) -> None:
        """Have an object created; raises `FileExistsError` where there is one of this name.

        S3 may answer that another request for the same object is going on. Such a request is repeated.
        """
        for pause in (PAUSE * 2**n for n in range(CONFLICTS)):
            try:
                self._files.pipe_file(self._path(name), content, mode="create")
            except Exception as error:
                status, code = _answer(error)
                if status == PRECONDITION_FAILED:
                    raise FileExistsError(name) from error
                if code != CONFLICT:
                    raise
                last = error
            else:
                return
            time.sleep(pause)
        raise last

    def get(self, name: str) -> bytes | None:
        """The content of an object; `None` where there is none of this name."""
        try:
            with self._asked("get", name):
                content = bytes(self._files.cat_file(self._path(name)))
        except FileNotFoundError:
            return None
        self._count(fetched=len(content))
        return content

    def names(self, folder: str) -> list[str]:
        """The names of all objects below a folder, relative to it."""
        base = self._path(folder).rstrip("/")
        try:
            with self._asked("list", folder):
                found = self._files.find(base)
        except FileNotFoundError:
            return []
        start = len(base.lstrip("/")) + 1
        return sorted(path.lstrip("/")[start:] for path in found)

    def delete(self, name: str) -> None:
        """Delete an object; there may be none."""
        try:
            with self._asked("delete", name):
                self._files.rm_file(self._path(name))
        except FileNotFoundError:
            pass

    @property
    def creates(self) -> bool:
        """Whether there is an own method to create objects: fsspec's general one looks first, and then writes."""
        from fsspec.asyn import AsyncFileSystem
        from fsspec.spec import AbstractFileSystem

        kind = type(self._files)
        if issubclass(kind, AsyncFileSystem):
            return kind._pipe_file is not AsyncFileSystem._pipe_file
        return kind.pipe_file is not AbstractFileSystem.pipe_file

    @property
    def spent(self) -> str:
        """What this process has asked of the store, in words."""
        asked = ", ".join(f"{number:,} {what}" for what, number in sorted(self.requests.items()))
        return f"{self.address}: {asked or 'no requests'}; {self.sent:,} bytes sent, {self.fetched:,} fetched"

    def where(self, name: str) -> str:
        """Where an object is, for messages."""
        return f"{self.address}/{name}"

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _count(self, *, sent: int = 0, fetched: int = 0) -> None:
        with self._counting:
            self.sent += sent
            self.fetched += fetched

    @contextmanager
    def _asked(self, what: str, name: str) -> Iterator[None]:
        """Count a request, and say what is wrong with the store where it fails; fsspec has repeated it then."""
        with self._counting:
            self.requests[what] += 1
        try:
            yield
        except FileExistsError:
            raise
        except FileNotFoundError as error:
            if what in ("put", "create"):
                raise MachineError("the bucket does not exist", where=self.address, fix="Create the bucket.") from error
            raise
        except PermissionError as error:
            why = f"the store refuses this ({_said(error)})"
            raise MachineError(why, where=self.where(name), fix=CREDENTIALS) from error
        except Exception as error:
            fix = CREDENTIALS if "redential" in type(error).__name__ else CONTINUE
            why = f"the store does not answer ({_said(error)})"
            raise MachineError(why, where=self.where(name), fix=fix) from error


def _answer(error: BaseException | None) -> tuple[int, str]:
    """The status and the code with which S3 refused a request, which are in the cause of what fsspec raises."""
    while error is not None:
        said = getattr(error, "response", None)
        if isinstance(said, dict):
            status = said.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return int(status), str(said.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return 0, ""


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__


@cache
def opened(address: str, use: str) -> ObjectStore:
    """Open a store to read and write it, once in a process.

    Parameters
    ----------
    address : str
        Such as ``s3://bucket/cache``.
    use : str
        What it is for: ``run`` or ``cache``.

    Raises
    ------
    InputError
        It has something else in it, or no package can use such stores.
    MachineError
        It cannot be used; or it does not refuse to create an object that exists, so that two processes might both
        believe that they have created it.
    """
    store = ObjectStore.of(address)
    mark = json.dumps({"format": FORMAT, "for": use}).encode()
    if not store.creates or (store.create_once(MARK, mark) and store.create_once(MARK, mark)):
        raise MachineError(
            "this store replaces an object where it should refuse to create it again (it has no conditional writes)",
            where=address,
            fix="Use a store that has them, such as Amazon S3, or a folder that all machines share (docs/scale.md).",
        )
    _check_mark(store, use)
    return store


def opened_to_read(address: str, use: str) -> ObjectStore:
    """Open a store that somebody has written; see `opened`, also for what it raises."""
    store = ObjectStore.of(address)
    _check_mark(store, use)
    return store


def _check_mark(store: ObjectStore, use: str) -> None:
    content = store.get(MARK)
    if content is None:
        what = f"this store has no {use} of qbench"
        raise NothingThereError(what, where=store.address, fix="Check the address.")
    try:
        found = json.loads(content)
        known, its = int(found["format"]), str(found["for"])
    except (ValueError, KeyError, TypeError):
        fix = "Delete this object, and repeat the command of the run: it writes it again."
        raise InputError("the object is damaged", where=store.where(MARK), fix=fix) from None
    if known > FORMAT:
        raise InputError(
            f"it was written by a newer qbench (format {known}; this one reads up to {FORMAT})",
            where=store.where(MARK),
            fix="Upgrade: pip install --upgrade qbench-vlm",
        )
    if its != use:
        raise InputError(f"this is the address of a {its}, not of a {use}", where=store.address, fix="Use another one.")


def _files(address: str) -> tuple[Any, str]:
    """What fsspec has for an address; a list of objects is never remembered, because other machines add to it."""
    protocol = address.partition(":")[0]
    fix = "Amazon S3 and what speaks its language: pip install 'qbench-vlm[s3]'"
    if address.endswith("://") or any(x in address for x in OTHER_MEANING):
        raise InputError("this is not the address of an object store", where=address, fix="Such as s3://bucket/folder.")
    try:
        import fsspec

        options = OPTIONS.get(protocol, {})
        files, root = fsspec.url_to_fs(address, use_listings_cache=False, skip_instance_cache=True, **options)
    except ImportError as error:
        raise InputError(f"a package for such stores is missing ({error})", where=address, fix=fix) from None
    except ValueError as error:
        raise InputError(f"{protocol}:// is not a kind of store ({error})", where=address, fix=fix) from None
    if getattr(files, "async_impl", False):
        files.loop.call_soon_threadsafe(files.loop.set_exception_handler, _unheard)
    return files, str(root)


def _unheard(loop: Any, said: Mapping[str, Any]) -> None:
    """Errors of fsspec's background tasks, which are not for the user: `_asked` reports what went wrong.

    Otherwise, while a network is gone, each request that is repeated has a traceback on the terminal.
    """
    log.debug("a task of the client of an object store: %s (%r)", said.get("message"), said.get("exception"))
