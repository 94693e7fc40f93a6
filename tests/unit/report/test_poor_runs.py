"""Runs with little in them: no section of the report fails, whatever is missing to compare."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qbench.report import html
from qbench.results import load
from tests.golden.folders import as_measured

FAILED = "This section failed"
ERROR = {"stage": "build", "type": "ValueError", "what": "the width is no multiple of 64", "where": "fc1", "fix": ""}
Record = dict[str, Any]


def reduced(folder: Path, keep: Callable[[Record], bool], fails: Callable[[Record], bool] = lambda cell: False) -> Path:
    """The golden run with some of its cells, of which some failed."""
    as_measured(folder)
    run = json.loads((folder / "run.json").read_text())
    kept = []
    for name in run["cells"]:
        path = folder / name / "cell.json"
        cell = json.loads(path.read_text())
        if not keep(cell):
            continue
        kept.append(name)
        if fails(cell):
            path.write_text(json.dumps({**cell, "status": "failed", "error": ERROR}))
    run["spec"]["analysis"] = {"resamples": 99}
    (folder / "run.json").write_text(json.dumps({**run, "cells": kept}))
    return folder


def of(**wanted: str | tuple[str, ...]) -> Callable[[Record], bool]:
    """Whether a cell has one of these labels."""
    return lambda cell: all(cell[name] in ((x,) if isinstance(x, str) else x) for name, x in wanted.items())


def tables(folder: Path, benchmark: str) -> list[Path]:
    return [p for p in folder.glob(f"cells/{benchmark}/*/*/*.parquet") if p.stem in ("items", "metrics")]


def without_a_group(folder: Path) -> None:
    """No item of FACET is of one group, and no number is about it."""
    for path in tables(folder, "facet"):
        table = pd.read_parquet(path)
        if path.stem == "items":
            table = table[table["gender"] != "fem"]
        else:
            table = table[~((table["attribute"] == "gender") & table["group"].str.contains("fem"))]
        table.to_parquet(path, index=False)


ONE = "demo/balanced"
CASES: dict[str, tuple[Callable[[Record], bool], Callable[[Record], bool]]] = {
    "FACET in full precision alone": (of(benchmark="facet", quantizer="fp32", model=ONE), of(model="-")),
    "all in full precision alone": (of(quantizer="fp32"), of(model="-")),
    "one of two variants failed": (of(benchmark="facet", model=ONE), of(quantizer="hf-int4")),
    "every variant failed": (of(model=ONE), of(quantizer=("hf-int4", "hf-int8"))),
    "the baseline failed": (of(benchmark="facet", model=ONE), of(quantizer="fp32")),
    "everything failed": (of(benchmark="facet"), of(benchmark="facet")),
    "one benchmark failed": (of(model=ONE, benchmark=("facet", "fairface")), of(benchmark="facet")),
    "one model, one variant": (of(model=ONE, quantizer=("fp32", "hf-int4"), benchmark="facet"), of(model="-")),
    "retrieval alone": (of(model=ONE, benchmark="fairface"), of(model="-")),
}


def without_failures(folder: Path) -> str:
    page = html.page(load(folder))  # with the sections of all installed plugins
    errors = re.findall(rf"{FAILED}.{{0,300}}", page, re.S)
    assert not errors
    return page


@pytest.mark.parametrize("case", CASES)
def test_no_section_fails(tmp_path: Path, case: str) -> None:
    keep, fails = CASES[case]
    folder = reduced(tmp_path / "run", keep, fails)
    assert json.loads((folder / "run.json").read_text())["cells"]
    assert "no multiple of 64" in without_failures(folder) or "failed" not in case


def test_no_section_fails_without_items_of_one_group(tmp_path: Path) -> None:
    folder = reduced(tmp_path / "run", of(model=ONE, benchmark="facet"))
    without_a_group(folder)
    without_failures(folder)


def test_no_section_fails_with_control_arms_only(tmp_path: Path) -> None:
    folder = reduced(tmp_path / "run", of(model=ONE, benchmark="facet", quantizer=("fp32", "hf-int8")))
    for path in folder.glob("cells/facet/*/hf-int8*/cell.json"):
        cell = json.loads(path.read_text())
        cell["quantizer_info"]["kind"] = "control"
        path.write_text(json.dumps(cell))
    without_failures(folder)
