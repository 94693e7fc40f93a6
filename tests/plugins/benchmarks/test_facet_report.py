"""The report of a FACET run with little in it, with the sections of the installed plugins: none of them fails."""

import json

import numpy as np
import pandas as pd
import pytest

from qbench.report.html import Look, page, sections_of
from qbench.report.markdown_latex import latex, markdown
from qbench.report.tables import plugin_tables
from qbench.results import load
from qbench.testing.reports import FAILED
from tests.golden.folders import as_measured

MODEL, QUANTIZERS = "demo/balanced", ("fp32", "hf-int8")
ERROR = {"stage": "build", "type": "ValueError", "what": "the width is no multiple of 64", "where": "fc1", "fix": ""}


def cells_of(folder):
    """Quantizer → folder of the cell of one model on FACET, in a run folder of these cells alone."""
    as_measured(folder)
    run = json.loads((folder / "run.json").read_text())
    cells = {
        found["quantizer"]: name
        for name in run["cells"]
        if (found := json.loads((folder / name / "cell.json").read_text()))["benchmark"] == "facet"
        and found["model"] == MODEL
        and found["quantizer"] in QUANTIZERS
    }
    only(folder, cells.values())
    return {quantizer: folder / name for quantizer, name in cells.items()}


def only(folder, names):
    run = json.loads((folder / "run.json").read_text())
    run["spec"]["analysis"] = {"resamples": 99}
    (folder / "run.json").write_text(json.dumps({**run, "cells": list(names)}))


def fail(*cells):
    for cell in cells:
        path = cell / "cell.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "status": "failed", "error": ERROR}))


def change(cell, table, make):
    path = cell / f"{table}.parquet"
    make(pd.read_parquet(path)).to_parquet(path, index=False)


def baseline_alone(folder, cells):
    only(folder, [cells["fp32"].relative_to(folder).as_posix()])


def variant_alone(folder, cells):
    only(folder, [cells["hf-int8"].relative_to(folder).as_posix()])


def variant_missing(folder, cells):
    for path in cells["hf-int8"].iterdir():
        path.unlink()


def variant_failed(folder, cells):
    fail(cells["hf-int8"])


def baseline_failed(folder, cells):
    fail(cells["fp32"])


def all_failed(folder, cells):
    fail(*cells.values())


def control_alone(folder, cells):
    path = cells["hf-int8"] / "cell.json"
    cell = json.loads(path.read_text())
    path.write_text(json.dumps({**cell, "quantizer_info": {**cell["quantizer_info"], "kind": "control"}}))


def nothing_determined(folder, cells):
    change(cells["hf-int8"], "metrics", lambda table: table.assign(value=np.nan))


def no_item_of_a_group(folder, cells):
    for cell in cells.values():
        change(cell, "items", lambda table: table[table["skin_tone"] != "dark"])
        change(cell, "metrics", lambda table: table[~table["group"].str.contains("dark")])


CASES = (
    *(baseline_alone, variant_alone, variant_missing, variant_failed, baseline_failed, all_failed, control_alone),
    *(nothing_determined, no_item_of_a_group),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_no_section_fails(tmp_path, case):
    case(tmp_path, cells_of(tmp_path))
    results, look = load(tmp_path), Look(charts=False)
    sections = sections_of(results, look)
    for text in (page(results, look, (), sections), markdown("run", sections), latex("run", sections)):
        assert FAILED not in text, text[text.index(FAILED) :][:300]
    assert not plugin_tables(results).failures


def test_a_section_that_fails_would_be_found(tmp_path, monkeypatch):
    baseline_alone(tmp_path, cells_of(tmp_path))
    monkeypatch.setattr("qbench_benchmarks.skin_tone_cuts._chart", lambda *_: 1 / 0)
    results, look = load(tmp_path), Look(charts=False)
    assert FAILED in page(results, look)
