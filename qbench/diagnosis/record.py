"""What a diagnosis found, as the file that keeps it and as a table: every step with its losses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbench.errors import InputError
from qbench.runfolder.integrity import SEAL, is_damaged, sealed
from qbench.store.files import read_json_object, write_json

if TYPE_CHECKING:
    import pandas as pd

    from qbench.diagnosis.diagnose import Diagnosis, Link, Loss

RECORD, TABLE = "diagnosis.json", "diagnosis"
AGAIN = "Run the diagnosis again; what was asked is in the cache."
ALL = "all steps together"
NUMBERS = ("loss", "low", "high", "p", "p_adjusted")
COLUMNS = ["part", "step", "state", "benchmark", "metric", *NUMBERS, "unit", "quantity", "named", "error"]


def write_record(folder: Path, found: Diagnosis) -> None:
    """Write what a diagnosis found."""
    write_json(folder / RECORD, sealed({"format": 1, "rows": list(_rows(found))}))


def diagnosis_table(folder: Path) -> pd.DataFrame:
    """Read the record of a diagnosis.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the diagnosis.

    Returns
    -------
    pandas.DataFrame
        One row for each step and benchmark, in the order of the chain. ``part`` is ``chain``, ``tower`` (of the first
        named step) or ``total`` (the last step against the first). ``state`` is ``first``, ``compared``, ``fails``, or
        ``cannot be made``; where nothing was compared, ``benchmark`` is empty and the numbers are NaN. ``loss``,
        ``low`` and ``high`` are in the unit ``unit``, positive is worse; ``p_adjusted`` is corrected for all steps and
        benchmarks of its ``part``.

    Raises
    ------
    InputError
        The record is missing or damaged.
    """
    import pandas as pd

    path = folder / RECORD
    record = read_json_object(path, fix=AGAIN)
    if SEAL not in record or is_damaged(record, known=()):
        raise InputError("the record is damaged", where=str(path), fix=AGAIN)
    return pd.DataFrame(record["rows"], columns=COLUMNS).astype(dict.fromkeys(NUMBERS, float))


def _rows(found: Diagnosis) -> Iterator[dict[str, Any]]:
    """The rows of the table, with `None` for NaN."""
    for place, link in enumerate(found.links):
        yield from _of_link("chain", link, "compared" if place else "first", named=link.name in found.named)
    for link in found.towers:
        yield from _of_link("tower", link, "compared", named=False)
    yield from (_row("total", ALL, "compared", loss) for loss in found.total)


def _of_link(part: str, link: Link, state: str, *, named: bool) -> Iterator[dict[str, Any]]:
    if link.error:
        state = "cannot be made" if link.skipped else "fails"
    losses: Sequence[Loss | None] = link.losses or (None,)
    yield from (_row(part, link.name, state, loss, named=named, error=link.error) for loss in losses)


def _row(
    part: str, step: str, state: str, loss: Loss | None, *, named: bool = False, error: str = ""
) -> dict[str, Any]:
    row: dict[str, Any] = {"part": part, "step": step, "state": state, "named": named, "error": error}
    if loss is None:
        return dict.fromkeys(COLUMNS, "") | dict.fromkeys(NUMBERS) | row
    moved = loss.movement
    numbers = zip(NUMBERS, (moved.loss, moved.low, moved.high, loss.p, loss.p_adjusted), strict=True)
    return row | {
        "benchmark": loss.benchmark,
        "metric": loss.metric,
        "unit": moved.unit,
        "quantity": str(moved.quantity),
        **{name: value + 0.0 if math.isfinite(value) else None for name, value in numbers},  # and no -0.0
    }
