"""``qbench report``: every option does what it says, on a small run and without drawing where no image is needed."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from qbench.cli import app
from qbench.plugins.report_blocks import Chart, Section
from qbench.report import files
from qbench.report.html import Look, sections_of
from qbench.report.table_names import TABLES
from qbench.results import analysis, load
from qbench.results.statistics import added_tables
from tests.unit.report.intervals import with_intervals

Make = Callable[..., Any]
ONE = ("openai/ViT-B-32",)
TWO = ("fp32", "hf-int8")


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.fixture
def run(make_run: Make) -> Any:
    return make_run(models=ONE, quantizers=TWO, benchmarks=("facet",))


def test_the_page_lies_in_the_run_folder_unless_said(run: Any) -> None:
    done = call(run.write(), "--no-charts")
    assert (done.exit_code, done.output) == (0, f"Report: {run.folder / 'report.html'}\n")
    assert (run.folder / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_page_and_its_gate_share_one_analysis(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Mock(wraps=analysis.make)
    monkeypatch.setattr(analysis, "make", made)
    assert call(run.write(), "--no-charts").exit_code == 0
    assert made.call_count == 1


def test_formats_lie_beside_each_other_with_the_same_sections(run: Any, tmp_path: Path) -> None:
    done = call(run.write(), "--no-charts", "--format", "html, md,latex", "--out", tmp_path / "r.html")
    assert done.exit_code == 0
    html, md, tex = (tmp_path / f"r.{e}" for e in ("html", "md", "tex"))
    titles = [s.title for s in sections_of(load(run.folder), Look(charts=False))]
    markdown, latex = md.read_text(encoding="utf-8"), tex.read_text(encoding="utf-8")
    assert [line[3:].replace("\\", "") for line in markdown.splitlines() if line.startswith("## ")] == titles
    assert latex.count("\\subsection{") == len(titles) == html.read_text(encoding="utf-8").count("<section id=")
    assert latex.count("\\begin{longtable}") == latex.count("\\end{longtable}") == latex.count("\\toprule") > 3
    assert latex.count("{") - latex.count("\\{") == latex.count("}") - latex.count("\\}")


@pytest.mark.parametrize(("out", "names"), [("r", ["r.md", "r.tex"]), ("r.tex", ["r.md", "r.tex"])])
def test_each_of_several_formats_has_a_file_of_its_own(run: Any, tmp_path: Path, out: str, names: list[str]) -> None:
    folder = tmp_path / "reports"
    done = call(run.write(), "--no-charts", "--format", "md,latex", "--out", folder / out)
    assert done.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == names
    assert "\\subsection{" in (folder / "r.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize("formats", ["", "pdf", "html,docx"])
def test_an_unknown_format_writes_nothing(run: Any, tmp_path: Path, formats: str) -> None:
    done = call(run.write(), "--format", formats, "--out", tmp_path / "r.html")
    assert done.exit_code != 0
    assert not (tmp_path / "r.html").exists()


def test_every_chart_becomes_an_svg_and_a_pdf(run: Any, tmp_path: Path) -> None:
    results = with_intervals(load(run.write()))
    (first, *_) = charts = [b for s in sections_of(results, Look()) for b in s.blocks if isinstance(b, Chart)]
    assert len({c.name for c in charts}) == len(charts) > 3
    written = files.figures([Section("one", "One", [first])], tmp_path / "figures")
    assert [p.name for p in written] == [f"{first.name}.svg", f"{first.name}.pdf"]
    assert written[0].read_text(encoding="utf-8").startswith("<svg")
    assert written[1].read_bytes().startswith(b"%PDF")


def test_every_table_becomes_a_csv(run: Any, tmp_path: Path) -> None:
    done = call(run.write(), "--no-charts", "--tables", tmp_path / "tables")
    assert done.exit_code == 0
    assert {p.stem for p in (tmp_path / "tables").iterdir()} == {*TABLES, *added_tables()} - {"items"}
    effects = pd.read_csv(tmp_path / "tables" / "effects.csv", keep_default_na=False)
    assert len(effects) == len(load(run.folder).effects)


def test_own_templates_and_an_own_style_come_first(run: Any, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "style.css").write_text("h1 { color: rebeccapurple; }", encoding="utf-8")
    (own / "report.html.j2").write_text("<style>{{ style }}</style>{{ title }}", encoding="utf-8")
    run.run["name"] = "<b>"
    assert call(run.write(), "--no-charts", "--template-dir", own, "--out", tmp_path / "r.html").exit_code == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == "<style>h1 { color: rebeccapurple; }</style>&lt;b&gt;"
    assert call(run.folder, "--template-dir", tmp_path / "nowhere").exit_code != 0


@pytest.fixture
def images(run: Any, tmp_path: Path) -> Path:
    """A folder with the image of every second item; each answer of the variant is another one."""
    root = tmp_path / "images"
    root.mkdir()
    for number, frame in enumerate(run.items.values()):
        frame["image"] = [f"{i}.png" for i in range(len(frame))]
        frame["correct"] = (frame.index % 4 == 0) if number == 0 else (frame.index % 4 == 2)
    for i in range(0, 80, 2):
        Image.new("RGB", (300, 200), (i, 0, 0)).save(root / f"{i}.png")
    return root


def test_the_gallery_is_off_unless_asked_for(run: Any, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    assert call(run.write(), "--no-charts", "--out", out, "--data-root", f"facet={images}").exit_code == 0
    assert "<img" not in out.read_text(encoding="utf-8")
    done = call(run.folder, "--no-charts", "--out", out, "--gallery", 2, "--data-root", f"facet={images}")
    text = out.read_text(encoding="utf-8")
    assert done.exit_code == 0
    assert text.count('<img src="data:image/jpeg;base64,') == 2 * 3  # so many a group, those without a label too
    assert "correct, now wrong" in text
    assert "Its licence and the rights of the people in it" in text
    assert str(images) not in text


def test_a_gallery_never_leaves_its_folder(run: Any, images: Path, tmp_path: Path) -> None:
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    for frame in run.items.values():
        frame["image"] = "../secret.png"
    out = tmp_path / "r.html"
    assert (
        call(run.write(), "--no-charts", "--out", out, "--gallery", 2, "--data-root", f"facet={images}").exit_code == 0
    )
    assert "<img" not in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("root", ["facet", "facet=", "facet=/no/such/folder"])
def test_a_folder_of_images_has_to_be_there(run: Any, root: str) -> None:
    assert call(run.write(), "--no-charts", "--gallery", 1, "--data-root", root).exit_code != 0


def test_a_folder_of_images_is_for_a_benchmark_of_the_run(run: Any, tmp_path: Path) -> None:
    done = call(run.write(), "--no-charts", "--gallery", 1, "--data-root", f"imagenet={tmp_path}")
    assert done.exit_code != 0
    assert "this run has no benchmark 'imagenet'" in str(done.exception)
    assert not (run.folder / "report.html").exists()


def test_runs_stand_side_by_side_with_a_word_on_whether_they_compare(run: Any, tmp_path: Path) -> None:
    first = run.write()
    run.folder, run.run["name"] = tmp_path / "second", "the second run"
    same = run.write()
    run.folder = tmp_path / "third"
    for record in run.records.values():
        record["data_info"]["fingerprint"] = "of other items"
    other = run.write()
    out = tmp_path / "r.html"
    assert call(first, same, "--no-charts", "--out", out).exit_code == 0
    text = out.read_text(encoding="utf-8")
    assert "has the same items and rules as this run in 2 of its 2\u00a0cells" in text
    assert "the second run" in text
    assert call(first, other, "--no-charts", "--out", out).exit_code == 0
    assert "Not comparable" in out.read_text(encoding="utf-8")


def test_runs_with_nothing_in_common_are_not_called_comparable(run: Any, make_run: Make, tmp_path: Path) -> None:
    first, out = run.write(), tmp_path / "r.html"
    other = make_run(models=("laion/ViT-B-16",), quantizers=TWO, benchmarks=("facet",))
    other.folder = tmp_path / "other"
    assert call(first, other.write(), "--no-charts", "--out", out).exit_code == 0
    text = out.read_text(encoding="utf-8")
    assert "no model × quantizer × benchmark of it is in this run" in text
    assert "has the same items" not in text


@pytest.mark.parametrize("found", [True, False])
def test_open_hands_the_file_to_a_browser(run: Any, monkeypatch: pytest.MonkeyPatch, found: bool) -> None:
    asked: list[str] = []

    def opened(url: str) -> bool:
        asked.append(url)
        return found

    monkeypatch.setattr(webbrowser, "open", opened)
    done = call(run.write(), "--no-charts", "--open")
    assert (done.exit_code, asked) == (0, [(run.folder / "report.html").resolve().as_uri()])
    assert ("No browser was found" in done.output) is not found
