"""The run folder: a folder a cell, and what the whole run was. It can be copied to another machine and reported there.

::

    run.json          the resolved spec, the cells of the latest plan, notes
    environment.json  where it ran
    run.log           warnings and tracebacks
    cells/<benchmark>/<model>/<quantizer>-<key>/
        cell.json  items.parquet  metrics.parquet  rankings.parquet (retrieval)  noise.parquet (where asked for)
        drift-<key>.parquet (against the baseline's embeddings of this key)
    speed/<model>/<quantizer>-<key>.json (where asked for)

``cell.json`` is written last: a cell is done when it is there and says so.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from qbench.errors import InputError
from qbench.store.files import atomic, read_json, write_json

FORMAT = 1
SHORT = 8


def slug(label: str) -> str:
    """A label as a folder's name: letters, digits, dot, dash; never empty, never special, at most 60 characters."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", label).strip("-.")[:60] or "x"


class RunFolder:
    """Writes and reads one run folder.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def log(self) -> Path:
        """The log file."""
        return self.root / "run.log"

    def check_usable(self) -> None:
        """Raise `InputError` where the folder holds what is no run: nothing of the user's is to be mixed up."""
        if self.root.is_file():
            raise InputError("this is a file, not a run folder", where=str(self.root), fix="Choose another --out.")
        if not self.root.is_dir() or (self.root / "run.json").exists():
            return
        others = sorted(p.name for p in self.root.iterdir() if p.name not in (".lock", "run.log"))
        if others:
            raise InputError(
                f"the folder holds other things ({', '.join(others[:3])})",
                where=str(self.root),
                fix="Choose an empty or a new folder with --out.",
            )

    def cell(self, benchmark: str, model: str, quantizer: str, key: str) -> str:
        """The relative folder of a cell."""
        return f"cells/{slug(benchmark)}/{slug(model)}/{slug(quantizer)}-{key[:SHORT]}"

    def speed(self, model: str, quantizer: str, key: str) -> Path:
        """The file with a variant's speed."""
        return self.root / "speed" / slug(model) / f"{slug(quantizer)}-{key[:SHORT]}.json"

    def drift(self, cell: str, key: str) -> Path:
        """The file with a cell's distance from the baseline whose image embeddings have this key."""
        return self.root / cell / f"drift-{key[:SHORT]}.parquet"

    def read_cell(self, cell: str) -> dict[str, Any] | None:
        """``cell.json``, or `None` where there is none that can be read."""
        try:
            found = read_json(self.root / cell / "cell.json")
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def is_done(self, cell: str, key: str) -> bool:
        """Whether a cell with this very key is complete."""
        found = self.read_cell(cell)
        return found is not None and found.get("status") == "done" and found.get("key") == key

    def write_cell(self, cell: str, record: dict[str, Any], tables: dict[str, pd.DataFrame]) -> None:
        """Write a cell's tables, then its ``cell.json``."""
        folder = self.root / cell
        (folder / "cell.json").unlink(missing_ok=True)
        for name, table in tables.items():
            self.write_table(folder / f"{name}.parquet", table)
        write_json(folder / "cell.json", {"format": FORMAT, **record})

    def write_table(self, path: Path, table: pd.DataFrame) -> None:
        """Write one table, whole or not at all."""
        with atomic(path) as temporary:
            table.to_parquet(temporary, index=False, compression="zstd")

    def forget_failures(self, cells: Iterable[str]) -> int:
        """Remove the failed cells that are not among `cells` (they hold an error only); how many others are left over.

        Those are done cells of an earlier spec: kept, because somebody paid for them, but no part of this run.
        """
        current, kept = set(cells), 0
        for path in self.root.glob("cells/*/*/*/cell.json"):
            cell = path.parent.relative_to(self.root).as_posix()
            if cell in current:
                continue
            found = self.read_cell(cell)
            if found is None or found.get("status") == "failed":
                shutil.rmtree(path.parent)
            else:
                kept += 1
        return kept

    def created(self) -> str:
        """When the run in this folder was begun, or an empty string."""
        try:
            return str(read_json(self.root / "run.json").get("created", ""))
        except (FileNotFoundError, ValueError, AttributeError):
            return ""

    def write_run(self, record: dict[str, Any]) -> None:
        """Write ``run.json``."""
        write_json(self.root / "run.json", {"format": FORMAT, **record})

    def write_environment(self, record: dict[str, Any]) -> None:
        """Write ``environment.json``."""
        write_json(self.root / "environment.json", record)
