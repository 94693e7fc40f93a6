"""How an object store is named: ``s3://bucket/folder``."""

from __future__ import annotations

import re
from pathlib import Path

from qbench.errors import InputError

ADDRESS = re.compile(r"(?P<protocol>[A-Za-z][A-Za-z0-9+.-]+):/{1,2}(?P<rest>.*)")
"""One slash is enough: a `pathlib.Path` that was made of an address has one."""


def address_of(given: str | Path) -> str | None:
    """The address of an object store that a user named; `None` where it is a folder.

    Examples
    --------
    >>> address_of("s3://bucket/runs/study/"), address_of(Path("s3://bucket/runs")), address_of("runs/study")
    ('s3://bucket/runs/study', 's3://bucket/runs', None)
    >>> address_of("S3://bucket"), address_of("s3://")  # the second one is refused when it is opened
    ('s3://bucket', 's3://')
    """
    found = ADDRESS.fullmatch(str(given))
    return f"{found['protocol'].lower()}://{found['rest'].rstrip('/')}" if found else None


def folder_only(given: str | Path, *, where: str, fix: str) -> None:
    """Refuse the address of an object store where there has to be a folder or a file of this machine.

    Raises
    ------
    InputError
        It is one.
    """
    if (address := address_of(given)) is not None:
        raise InputError(f"{address} is an object store, and a local path is needed here", where=where, fix=fix)
