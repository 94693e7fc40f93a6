"""Who works on what, told by objects, because an object store has no locks.

A claim is an object that is created if there is none of its name; it names its owner. The owner puts another object
every few seconds as long as it works. An owner of which that object does not change any more has ended: its claims are
taken over by creating the next one (``12/000001`` after ``12/000000``). Nobody compares clocks of two machines. Claims
only keep work from being done twice: results are right without them, because everything is named by what it is.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

from qbench.errors import MachineError
from qbench.store.objects.store import ObjectStore

log = logging.getLogger(__name__)

BEAT = 10.0
"""Seconds between two signs of life of an owner."""
ENDED = 60.0
"""Seconds without a sign of life after which an owner has ended. A choice of ours: several requests failed then."""
POLL = 1.0
"""Seconds between two looks at what others do; each look is some requests."""
STEP = 0.05


class Owner:
    """One process that makes claims. It gives its first sign of life when it makes its first claim."""

    def __init__(self, store: ObjectStore) -> None:
        self.name = uuid4().hex
        self._store = store
        self._beating: threading.Thread | None = None
        self._stopped = threading.Event()

    def begin(self) -> None:
        """Give signs of life from now on."""
        if self._beating is None:
            self._beat(0)
            self._beating = threading.Thread(target=self._go_on, daemon=True, name="qbench-claims")
            self._beating.start()

    def end(self) -> None:
        """Give no more, and say so: all claims of this owner are free."""
        if self._beating is not None:
            self._stopped.set()
            self._beating.join()
            with suppress(MachineError):  # or it is noticed later
                self._store.delete(_owner(self.name))

    def _go_on(self) -> None:
        number = 0
        while not self._stopped.wait(BEAT):
            number += 1
            with suppress(MachineError):  # the next one may succeed; what the process puts says what is wrong
                self._beat(number)

    def _beat(self, number: int) -> None:
        sign = {"processes": _processes(), "process": os.getpid(), "number": number}
        self._store.put(_owner(self.name), json.dumps(sign).encode())


class Others:
    """What is known of the owners of claims, as far as this process has looked."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._seen: dict[str, tuple[bytes, float]] = {}

    def at_work(self, owner: str) -> bool:
        """Whether an owner gives signs of life, or has not been looked at for long enough to tell."""
        sign, now = self._store.get(_owner(owner)), time.monotonic()
        if sign is None or _is_gone(sign):
            return False
        before, since = self._seen.setdefault(owner, (sign, now))
        if sign != before:
            self._seen[owner] = (sign, now)
            return True
        return now - since < ENDED


class ObjectClaims:
    """The claims of one process on the numbered parts of one thing.

    Parameters
    ----------
    store : ObjectStore
        Where they are.
    name : str
        The folder of the thing.
    owner : Owner
        Who makes claims.
    others : Others
        Who else does.
    """

    def __init__(self, store: ObjectStore, name: str, owner: Owner, others: Others) -> None:
        self._store, self._name, self._owner, self._others = store, name, owner, others

    def take(self, part: int, finished: Callable[[], bool]) -> bool:
        """Claim a part; whether nobody else works on it, and it is not `finished`.

        That is asked where somebody has claimed the part before; nobody has finished what nobody has claimed.
        """
        self._owner.begin()
        return self._create(part, 0) or (self._take_over(part) and not finished())

    def _take_over(self, part: int) -> bool:
        number, owner = self._latest(part)
        return owner == self._owner.name or (not self._others.at_work(owner) and self._create(part, number + 1))

    def wait(self, part: int, finished: Callable[[], bool], idle: Callable[[], None]) -> None:
        """Wait until a part is finished, or nobody works on it. What `idle` raises ends the waiting."""
        log.warning("%s: waiting for another machine that works on part %d of it", self._store.where(self._name), part)
        while not finished() and self._held_by_another(part):
            end = time.monotonic() + POLL
            while time.monotonic() < end:
                idle()
                time.sleep(STEP)

    def _held_by_another(self, part: int) -> bool:
        owner = self._latest(part)[1]
        return owner != self._owner.name and self._others.at_work(owner)

    def _create(self, part: int, number: int) -> bool:
        return self._store.create(f"{self._folder(part)}/{number:06d}", self._owner.name.encode())

    def _latest(self, part: int) -> tuple[int, str]:
        """The latest claim of a part, and its owner; nobody where there is none."""
        names = self._store.names(self._folder(part))
        if not names:
            return -1, ""
        owner = self._store.get(f"{self._folder(part)}/{names[-1]}") or b""
        return int(names[-1]), owner.decode(errors="replace")

    def _folder(self, part: int) -> str:
        return f"claims/{self._name}/{part}"


@cache
def _processes() -> str:
    """What says in which numbering of processes this one has its number: of which start of a machine, which container.

    Names of machines do not: many are called ``localhost``, and so may be two containers. Where the system does not
    tell, it is a numbering of this process alone, so that others are only judged by their signs of life.
    """
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{started} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return uuid4().hex


def _owner(name: str) -> str:
    return f"owners/{name}"


def _is_gone(sign: bytes) -> bool:
    """Whether a sign of life is of a process of this machine that has ended; also where it cannot be read."""
    try:
        said = json.loads(sign)
        if said["processes"] != _processes():
            return False
        os.kill(int(said["process"]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, KeyError, TypeError):
        return True
    except OSError:
        return False
    return False
