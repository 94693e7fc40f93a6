"""A drift file that is damaged is made again, and this is said."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qbench.runfolder import writer
from qbench.store.digests import file_digest


@pytest.mark.parametrize("damaged", [False, True])
def test_damage_of_a_drift_file_is_said(tmp_path: Path, caplog: Any, damaged: bool) -> None:
    path = tmp_path / "drift-1234abcd.parquet"
    path.write_bytes(b"PAR1")
    digest = file_digest(path)
    known: Any = SimpleNamespace(digests={path.name: digest})
    if damaged:
        path.write_bytes(b"PAR2")
    folder = writer.RunFolder(tmp_path)
    assert folder.drift_digest(path, known) == ("" if damaged else digest)
    assert (f"{path}: the file is damaged" in caplog.text) is damaged
