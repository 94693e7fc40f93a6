"""The script of interactive charts comes from the installed package, and is what the pinned vl-convert makes."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from qbench.report import vega

ROOT = Path(__file__).resolve().parents[3]


def test_no_file_of_the_cache_enters_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path))
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / f"charts-{version('vl-convert-python')}.js").write_text("alert(1)", encoding="utf-8")
    vega.bundle.cache_clear()
    assert "alert(1)" not in vega.bundle()
    assert "vegaEmbed" in vega.bundle()
    assert len(list(tmp_path.rglob("*"))) == 2, "the script is not kept in the cache"


def test_the_script_is_what_the_pinned_vl_convert_makes() -> None:
    pinned = f"vl-convert-python=={version('vl-convert-python')}"
    assert pinned in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert vega.bundle() == vega.made_bundle(), "repeat: python -m tools.charts_script"
