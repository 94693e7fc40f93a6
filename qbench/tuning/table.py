"""The record of a search as a table: every configuration that was tried, and the confirmation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qbench.errors import InputError
from qbench.runfolder.integrity import is_damaged
from qbench.store.files import read_json_object
from qbench.tuning.record import RECORD

if TYPE_CHECKING:
    import pandas as pd

TABLE = "tuning"
COLUMNS = ["half", "quantizer", "bits", "left_out", "band", "sentence", "run"]
AGAIN = "Run the search again; what was asked is in the cache."


def tuning_table(folder: Path) -> pd.DataFrame:
    """Read the record of a search.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of the search.

    Returns
    -------
    pandas.DataFrame
        One row for each configuration that was tried on the first half, in the order of bits, and a last one for the
        confirmation on the second half, if there is one. ``left_out`` are the names of the parts, joined by commas;
        ``run`` is the run folder, relative to `folder`.

    Raises
    ------
    InputError
        The record is missing or damaged.
    """
    import pandas as pd

    path = folder / RECORD
    record = read_json_object(path, fix=AGAIN)
    if is_damaged(record, known=()):
        raise InputError("the record is damaged: it is not what was written", where=str(path), fix=AGAIN)
    try:
        rows = [
            {
                "half": "first",
                "quantizer": str(tried["quantizer"]["label"]),
                "bits": float(tried["bits"]),
                "left_out": ", ".join(map(str, tried["left_out"])),
                **{name: str(tried[name]) for name in ("band", "sentence", "run")},
            }
            for tried in record["tried"]
        ]
        if (found := record["confirmation"]) is not None:
            label = str(found["of"]["quantizer"]["label"])
            of = next((row for row in rows if row["quantizer"] == label), {"bits": float("nan"), "left_out": ""})
            answer = {"half": "second", "band": str(found["band"]), "sentence": str(found["sentence"])}
            rows.append({**of, "quantizer": label, **answer, "run": "confirmation"})
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the record is damaged: {error!r}", where=str(path), fix=AGAIN) from None
    return pd.DataFrame(rows, columns=COLUMNS)
