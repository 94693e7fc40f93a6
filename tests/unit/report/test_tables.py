"""Exported tables: exact for machines, inert for Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from qbench.cli.export import command
from qbench.errors import InputError
from qbench.report.table_names import FORMATS, TABLES
from qbench.report.tables import export, latex, markdown, written
from qbench.results import Results, load
from qbench.terminal.streams import InertStream
from tests.unit.conftest import made_run

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The results of a run that has rows in every table that needs no embeddings."""
    run = made_run(tmp_path_factory.mktemp("full") / "run")
    run.add_noise(2)
    run.add_speed("laion/ViT-B-16", "hf-int8")
    return load(run.write())


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Results]:
    """One run folder, read and judged twice."""
    folder = made_run(tmp_path_factory.mktemp("twice") / "run", benchmarks=("facet",)).write()
    return load(folder), load(folder)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_comes_back_from_csv_and_parquet(full: Results, table: str) -> None:
    frame = getattr(full, table)
    assert len(frame) or table in ("exemplars", "drift", "predictors")  # the run is too small, or has no embeddings
    assert len(frame.columns)
    text, data = export(full, table, "csv").decode(), export(full, table, "parquet")
    read = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[], dtype=str)
    assert read.columns.tolist() == frame.columns.tolist()
    assert len(read) == len(frame)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(data)), frame, check_dtype=False)
    numeric = frame.select_dtypes("float").columns
    for column in numeric:
        given = pd.to_numeric(read[column])
        pd.testing.assert_series_equal(given, frame[column], check_exact=True, check_dtype=False)


@pytest.mark.parametrize("form", FORMATS)
def test_same_results_same_bytes(twice: tuple[Results, Results], form: str) -> None:
    first, second = twice
    assert export(first, "effects", form) == export(second, "effects", form)


@pytest.mark.parametrize(("table", "form"), [("nothing", "csv"), ("metrics", "xls"), ("run", "md")])
def test_unknown_names_are_refused(make_run: Make, table: str, form: str) -> None:
    results = load(make_run(benchmarks=("coco",)).write())
    with pytest.raises(InputError, match="Choose one of"):
        export(results, table, form)


HOSTILE = pd.DataFrame(
    {"name": ["a|b", "<script>`x`</script>", "[x](y)\n# z", "50_% $x$ & ~^\\{}", "a\u202eb"], "value": 0.5}
)


def test_markdown_is_inert() -> None:
    lines = markdown(HOSTILE).splitlines()
    assert len(lines) == 2 + len(HOSTILE)
    assert lines[1] == "| --- | ---: |"
    assert lines[2] == "| a&#124;b | 0.5 |"
    assert lines[3] == "| &lt;script&gt;&#96;x&#96;&lt;/script&gt; | 0.5 |"
    assert lines[4] == "| &#91;x&#93;(y) &#35; z | 0.5 |"
    assert lines[6] == "| a&#92;u202eb | 0.5 |"


def test_latex_is_inert() -> None:
    lines = latex(HOSTILE).splitlines()
    assert lines[:2] == [r"\begin{tabular}{lr}", r"\toprule"]
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert lines[6] == r"{[}x](y) \# z & 0.5 \\"
    assert lines[7] == r"50\_\% \$x\$ \& \textasciitilde{}\textasciicircum{}\textbackslash{}\{\} & 0.5 \\"


def test_printed_numbers() -> None:
    frame = pd.DataFrame({"value": [-0.123456789, float("nan"), -0.0, 1e-7], "n": [1, 2, 3, 4]})
    assert [x.split("|")[1].strip() for x in markdown(frame).splitlines()[2:]] == ["−0.123457", "–", "0", "1e-07"]
    assert [x.split(" & ")[0] for x in latex(frame).splitlines()[4:-2]] == ["$-$0.123457", "--", "0", "1e-07"]


def test_a_table_that_a_statistic_adds_is_exported_under_its_name(make_run: Make) -> None:
    results = load(make_run(benchmarks=("facet",)).write())
    rows = pd.DataFrame([{"model": "m", "quantizer": "q", "benchmark": "facet", "mean": 0.25}])
    results.__dict__["analysis"] = replace(results.analysis, added={"means": rows})
    assert export(results, "means") == b"model,quantizer,benchmark,mean\nm,q,facet,0.25\n"
    with pytest.raises(InputError, match=r"variance, .* means"):
        export(results, "squares")


FORMULAS = ["=1+1", "+1+1", "-1+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "\uff1d1+1"]
NO_FORMULAS = ["a\r=1", "b\r\n@x", "-1.5", "+3", "-1e-05", "-.5", "1,000", "-1,000", "a=1", "'=1", "", " =1", "−2"]


@pytest.mark.parametrize("name", ["a", "=cmd()"])
def test_no_text_of_a_csv_is_a_formula(name: str) -> None:
    frame = pd.DataFrame({name: FORMULAS + NO_FORMULAS, "value": -0.5, "flag": True})
    read = pd.read_csv(io.StringIO(written(frame, "csv").decode()), keep_default_na=False, dtype=str)
    assert read.columns[0] == ("a" if name == "a" else "'=cmd()")
    assert read.iloc[:, 0].tolist() == [
        text.replace("\r\n", "\n").replace("\r", "\n") for text in [f"'{text}" for text in FORMULAS] + NO_FORMULAS
    ]
    assert set(read["value"]) == {"-0.5"}
    assert pd.read_parquet(io.BytesIO(written(frame, "parquet")))[name].tolist() == FORMULAS + NO_FORMULAS


def test_no_text_of_a_csv_steers_a_terminal_and_marks_of_direction_are_kept() -> None:
    frame = pd.DataFrame({"\x9b2J": ["\x1b]0;owned\x07", "=\x1b[2J", "\u05d0\u200f", "a\tb"]})
    rows = ["\\u009b2J", "\\u001b]0;owned\\u0007", "'=\\u001b[2J", "\u05d0\u200f", "a\tb"]
    assert written(frame, "csv").decode() == "".join(f"{row}\n" for row in rows)


def test_categories_and_columns_of_one_name_are_neutralised_too() -> None:
    texts = pd.Series(["=1", None, "b"], dtype="category")
    frame = pd.concat([texts, pd.Series(["@x", "y", None])], axis=1)
    frame.columns = pd.Index(["a", "a"])
    assert written(frame, "csv").decode() == "a,a\n'=1,'@x\n,y\nb,\n"


def test_no_cell_of_an_exported_run_is_a_formula(full: Results) -> None:
    for table in TABLES:
        for row in csv.reader(io.StringIO(export(full, table, "csv").decode())):
            assert not [cell for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))]


def test_names_have_no_effect_on_a_terminal_to_which_a_table_is_exported(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    run, screen = make_run(), Screen()
    for table in run.metrics.values():
        table["group"] = table["group"].replace("young", "\x1b[31myoung")
    for table in run.items.values():
        table.replace("young", "\x1b[31myoung", inplace=True)
    folder = run.write()
    monkeypatch.setattr("sys.stdout", InertStream(screen))
    command(folder)
    assert "\x1b" not in screen.getvalue()
    assert "\\u001b[31myoung" in screen.getvalue()
