"""A section of a plugin may provide tables, which are exported under their qualified name."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from qbench.api import ReportSection
from qbench.cli import app
from qbench.errors import InputError
from qbench.plugins.registry import Entry, Plugin
from qbench.report import files, tables
from qbench.report.table_names import TABLES
from qbench.report.tables import export, plugin_tables
from qbench.results import Results, load

Make = Callable[..., Any]


def counts(results: Results) -> Mapping[str, pd.DataFrame]:
    return {"counts": results.metrics.groupby("metric", sort=False).size().rename("numbers").reset_index()}


def entry(name: str, make: Callable[[Any], Any] | None) -> Entry[ReportSection]:
    record = ReportSection(name=name, title=name, render=lambda results, context: [], tables=make)
    return Entry(plugin=Plugin(name="counting", module="m", distribution="d", version="1"), record=record)


@pytest.fixture
def folder(make_run: Make) -> Path:
    written: Path = make_run(benchmarks=("coco",)).write()
    return written


def test_a_table_of_a_plugin_is_exported_in_every_format(folder: Path) -> None:
    results, sections = load(folder), [entry("plain", None), entry("counts", counts)]
    expected = counts(results)["counts"]
    data = export(results, "counting:counts", "parquet", sections)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(data)), expected, check_dtype=False)
    assert export(results, "counting:counts", "csv", sections).decode() == expected.to_csv(index=False)
    assert b"| metric | numbers |" in export(results, "counting:counts", "md", sections)
    assert b"metric & numbers" in export(results, "counting:counts", "latex", sections)


@pytest.mark.parametrize("name", ["counts", "other:counts", "counting:nothing"])
def test_only_the_qualified_name_is_known(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="there is no table") as caught:
        export(load(folder), name, "csv", [entry("counts", counts)])
    assert "counting:counts" in str(caught.value)


def broken(results: Results) -> Mapping[str, pd.DataFrame]:
    raise ZeroDivisionError("nothing to divide by")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (broken, "ZeroDivisionError: nothing to divide by"),
        (lambda results: {"../up": pd.DataFrame()}, "not a name of letters"),
        (lambda results: {"counts": [1, 2]}, "with a DataFrame"),
        (lambda results: None, "TypeError"),
    ],
)
def test_a_plugin_that_fails_is_named_and_stops_no_other(folder: Path, make: Callable[[Any], Any], why: str) -> None:
    sections = [entry("bad", make), entry("counts", counts)]
    found = plugin_tables(load(folder), sections)
    assert list(found.tables) == ["counting:counts"]
    assert why in found.failures["counting:bad"]
    with pytest.raises(InputError, match="counting:bad could not be made"):
        export(load(folder), "counting:other", "csv", sections)


@pytest.fixture
def with_sections(monkeypatch: pytest.MonkeyPatch) -> list[Entry[ReportSection]]:
    sections: list[Entry[ReportSection]] = [entry("counts", counts)]
    monkeypatch.setattr(tables, "installed", lambda: type("R", (), {"report_sections": lambda _: sections})())
    return sections


def test_the_command_line_exports_it(folder: Path, with_sections: list[Entry[ReportSection]]) -> None:
    done = CliRunner().invoke(app, ["export", str(folder), "--table", "counting:counts"])
    assert done.exit_code == 0
    assert done.stdout == counts(load(folder))["counts"].to_csv(index=False)


def test_all_tables_are_written_and_a_failure_is_an_error_at_the_end(
    folder: Path, tmp_path: Path, with_sections: list[Entry[ReportSection]]
) -> None:
    names = {f"{x}.csv" for x in TABLES if x != "items"} | {"squares.csv", "counting.counts.csv"}
    assert {p.name for p in files.tables(load(folder), tmp_path / "a")} == names
    with_sections.insert(0, entry("bad", broken))
    with pytest.raises(InputError, match="counting:bad"):
        files.tables(load(folder), tmp_path / "b")
    assert {p.name for p in (tmp_path / "b").iterdir()} == names
