"""Two runs are compared number by number: whatever differs is found, and nothing else."""

import sys

import pandas as pd
import pytest

from tools import compare_runs
from tools.compare_runs import KEYS, compare_tables

TABLE = pd.DataFrame({"metric": ["a", "b"], "se": [0.1, float("nan")], "verdict": ["better", ""], "reason": ["x", "y"]})


def test_equal_tables_are_equal_in_any_order():
    found = compare_tables(TABLE, TABLE.iloc[::-1].assign(more=1), ["metric"], tolerance=0)
    assert found.rows == 2
    assert found.columns["se"].compared == 1
    assert not found.failures()


@pytest.mark.parametrize(
    ("column", "value", "largest"),
    [("se", 0.1 + 2e-12, 2e-12), ("se", float("nan"), float("inf")), ("se", float("inf"), float("inf"))],
)
def test_a_number_that_differs_is_found(column, value, largest):
    found = compare_tables(TABLE, TABLE.assign(se=[value, float("nan")]), ["metric"])
    assert found.columns[column].largest == pytest.approx(largest, rel=1e-3)
    assert [x.partition(":")[0] for x in found.failures()] == [column]


def test_the_tolerance_is_relative_for_large_numbers():
    large = pd.DataFrame({"metric": ["a"], "needed": [1e6]})
    assert not compare_tables(large, large + pd.DataFrame({"metric": [""], "needed": [1e-7]}), ["metric"]).failures()
    assert compare_tables(large, large + pd.DataFrame({"metric": [""], "needed": [1e-5]}), ["metric"]).failures()


def test_words_differ_but_prose_may():
    found = compare_tables(TABLE, TABLE.assign(verdict=["worse", ""], reason="z"), ["metric"])
    assert [x.partition(":")[0] for x in found.failures()] == ["verdict"]
    assert len(found.columns["reason"].rows) == 2


def test_rows_and_columns_that_are_missing_or_new_are_found():
    assert "missing" in compare_tables(TABLE, TABLE.iloc[:1], ["metric"]).failures()[0]
    assert "new" in compare_tables(TABLE.iloc[:1], TABLE, ["metric"]).failures()[0]
    assert "se" in compare_tables(TABLE, TABLE.drop(columns="se"), ["metric"]).failures()[0]
    twice = pd.concat([TABLE, TABLE.iloc[:1]])
    assert "new" in compare_tables(TABLE, twice, ["metric"]).failures()[0]


def test_the_command_counts_and_shows(tmp_path, monkeypatch, capsys):
    known = {name: KEYS[name] for name in ("metrics", "effects", "cells")}
    monkeypatch.setattr(compare_runs, "KEYS", known)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        for table, keys in known.items():
            frame = pd.DataFrame({**{key: ["x"] for key in keys}, "value": [0.5], "verdict": ["not yet known"]})
            changed = frame.assign(verdict="inconclusive", value=0.5 + 1e-14)
            (changed if name == "new" else frame).to_parquet(tmp_path / name / f"{table}.parquet")
    command = ["compare_runs.py", "compare", str(tmp_path / "old"), str(tmp_path / "new")]
    monkeypatch.setattr(sys, "argv", command)
    assert compare_runs.main() == 1
    said = capsys.readouterr().out
    assert f"{len(known)} numbers compared" in said
    assert "metrics: 1 rows, 1 numbers DIFFERENT" in said  # metrics have to be equal bit for bit
    assert "1 × 'not yet known' → 'inconclusive'" in said
    monkeypatch.setattr(sys, "argv", [*command, "--word", "not yet known=inconclusive"])
    assert compare_runs.main() == 1
    said = capsys.readouterr().out
    assert "effects: 1 rows, 1 numbers equal" in said
    assert "inconclusive" not in said
