"""The script of charts comes from the installed package; still images are drawn once and read with distrust."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from qbench.report import vega
from qbench.store.cache import Cache
from qbench.store.memos import Memo, stored_memo

ROOT = Path(__file__).resolve().parents[3]


def test_no_script_of_the_cache_enters_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


SPEC = {"data": {"values": [{"x": 1, "y": 2}]}, "mark": "bar", "encoding": {"x": {"field": "x"}, "y": {"field": "y"}}}


def test_a_chart_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, draw = [], vega._svg
    monkeypatch.setattr(vega, "_svg", lambda spec: drawn.append(spec) or draw(spec))
    first = vega.Drawings(Cache(tmp_path)).still(SPEC, "a")
    assert vega.Drawings(Cache(tmp_path)).still(SPEC, "a") == first == vega.still(SPEC, "a")
    assert len(drawn) == 2, "once for the cache, once without one"
    [memo] = tmp_path.rglob("*.memo")
    memo.write_bytes(memo.read_bytes()[:-9])
    assert vega.Drawings(Cache(tmp_path)).still(SPEC, "a") == first, "a damaged drawing is made again"
    assert len(drawn) == 3


@pytest.mark.parametrize(
    "more",
    ["<script>alert(1)</script>", "<a href='https://example.org'>x</a>", "<g onclick='alert(1)'/>", "<image/>",
     "<rect fill='url(https://example.org)'/>", "<g style='position: fixed'/>", "<g"],
)  # fmt: skip
def test_a_drawing_in_the_cache_that_holds_more_than_shapes_is_not_used(tmp_path: Path, more: str) -> None:
    cache = Cache(tmp_path)
    wanted = vega.Drawings(cache).still(SPEC, "a")
    [path] = tmp_path.rglob("*.memo")
    stored = stored_memo(path)
    assert stored is not None
    Memo(path, stored["parts"]).write({"svg": stored["value"]["svg"].replace("</svg>", f"{more}</svg>")})
    assert vega.Drawings(cache).still(SPEC, "a") == wanted


def test_a_cache_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "charts").write_text("in the way", encoding="utf-8")
    drawings = vega.Drawings(Cache(tmp_path))
    assert drawings.still(SPEC, "a") == drawings.still(SPEC, "a") == vega.still(SPEC, "a")
    assert len(caplog.records) == 1
