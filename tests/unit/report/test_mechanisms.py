"""The section on where the changes come from: by group, by method, by tower, and what goes with the direction."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pandas as pd

from qbench.analysis.ablation import COLUMNS as ABLATION
from qbench.analysis.predictors import COLUMNS as PREDICTORS
from qbench.analysis.predictors import DOUBLING
from qbench.plugins.report_blocks import Section, Table, Text
from qbench.report.run_numbers import RunNumbers
from qbench.report.sections import mechanisms
from qbench.results import load
from qbench.results.drift import COLUMNS as DRIFT

MODELS = tuple(f"openai/ViT-{x}" for x in "ABCDEF")


def shown(results: Any, **tables: pd.DataFrame) -> Section:
    """The section of results with these tables in place of their own."""
    own = {name: table for name, table in tables.items() if hasattr(results.analysis, name)}
    added = {name: table for name, table in tables.items() if name == "ablation"}
    results.__dict__["analysis"] = dataclasses.replace(results.analysis, **own, added=added)
    results.__dict__.update({name: tables[name] for name in ("drift", "layers") if name in tables})
    return mechanisms.section(RunNumbers(results))


def plain(text: str) -> str:
    return re.sub("[\u2066-\u2069]", "", text.replace("\N{NO-BREAK SPACE}", " ").replace("−", "-"))


def rows(section: Section, caption: str) -> list[dict[str, str]]:
    (table,) = (x for x in section.blocks if isinstance(x, Table) and x.caption.startswith(caption))
    heads = [column.title for column in table.columns]
    return [dict(zip(heads, (plain(e.text) for e in row), strict=True)) for row in table.rows]


def texts(section: Section) -> str:
    return " ".join(x.text for x in section.blocks if isinstance(x, Text))


def test_drift_of_a_group_stands_beside_its_flips(make_run):
    results = load(make_run(models=MODELS[:1], quantizers=("fp32", "hf-int4"), benchmarks=("facet",)).write())
    names = [MODELS[0], "hf-int4", "facet"]
    drift = pd.DataFrame(
        [
            [*names, "gender", "masc", 40, 0.99, 0.99, 0.9, 0.985, 0.995, 0.0004],
            [*names, "gender", "fem", 40, 0.97, 0.98, 0.8, 0.96, 0.98, 0.0004],
            [*names, "gender", "na", 4, 0.97, 0.98, 0.8, np.nan, np.nan, np.nan],
        ],
        columns=DRIFT,
    )
    found = {row["Group"]: row for row in rows(shown(results, drift=drift), "Drift and flips by group")}
    assert found["gender: fem"]["Drift"] == "0.03000 [0.02000, 0.04000]"
    assert found["gender: fem"]["p (drift alike)"] == "4·10⁻⁴"
    assert re.fullmatch(r"[\d.]+ \[[\d.]+, [\d.]+\]", found["gender: fem"]["Flipped, %"])
    assert "gender: na" not in found


def test_the_shares_of_the_variance_have_those_of_chance_beside_them(make_run):
    results = load(make_run(models=MODELS[:2], quantizers=("fp32", "hf-int8", "hf-int4")).write())
    variance = results.variance
    found = rows(shown(results), "Share of the variance")
    assert len(found) == min(len(variance.groupby(["benchmark", "metric", "attribute"])), mechanisms.ROWS)
    for row in found:
        shares = [re.fullmatch(r"(\d+) \((\d+)\)", row[x]) for x in row if x in ("Quantizer", "Model", "Rest", "Group")]
        assert all(shares) or "" in row.values()


def test_a_tower_is_a_part_with_layers_in_it_and_not_a_layer_or_a_kind(make_run):
    results = load(make_run(models=MODELS[:1], quantizers=("fp32", "hf-int4"), benchmarks=("facet",)).write())
    towers = ("vision_model", "text_model", "visual_projection", "q_proj")
    numbers = {"metric": "accuracy", "attribute": "", "group": "", "class": "", "better": "higher", "unit": "share"}
    ablation = pd.DataFrame(
        [
            {"model": MODELS[0], "quantizer": "hf-int4", "benchmark": "facet", "direction": "only", "part": part}
            | {**numbers, "whole_change": -0.05, "change": -0.04, "low": -0.06, "high": -0.02, "p_adjusted": 0.01}
            for part in towers
        ]
    ).reindex(columns=ABLATION)
    layers = pd.DataFrame({"name": ["vision_model.layers.0.q_proj", "text_model.layers.0.q_proj", "visual_projection"]})
    found = rows(shown(results, ablation=ablation, layers=layers), "The accuracy where one tower")
    assert [row["Tower"] for row in found] == ["vision_model", "text_model"]
    assert found[0]["Change"] == "-4.0 points"
    assert found[0]["Both"] == "-5.0 points"
    assert "qbench ablate SPEC --by part" in texts(shown(results, ablation=ablation[2:], layers=layers))


def test_what_goes_with_the_direction_says_what_could_have_been_found(make_run):
    results = load(make_run(models=MODELS[:1], quantizers=("fp32", "hf-int4"), benchmarks=("facet",)).write())
    assert "at least 6 checkpoints" in texts(shown(results))
    numbers = {"baseline": "fp32", "benchmark": "facet", "metric": "accuracy", "attribute": "", "group": ""}
    row = {**numbers, "better": "", "unit": "share"}
    row |= {"factor": "size", "level": DOUBLING, "checkpoints": 9, "left_out": 0, "estimate": 0.01}
    row |= {"se": 0.004, "df": 5.0, "low": -0.0003, "high": 0.0203, "p": 0.05, "p_adjusted": 0.15, "detectable": 0.014}
    predictors = pd.DataFrame([{**row, "reason": ""}], columns=PREDICTORS)
    section = shown(results, predictors=predictors)
    assert "0 of 1 test." in plain(texts(section))
    (found,) = rows(section, "What goes with the direction")
    assert (found["Effect on the change"], found["Found in 80 %"]) == ("+1.0 points", "+1.4 points")


def test_a_run_without_variants_has_no_such_section(make_run):
    results = load(make_run(models=MODELS[:1], quantizers=("fp32",), benchmarks=("facet",)).write())
    (block,) = mechanisms.section(RunNumbers(results)).blocks
    assert isinstance(block, Text)
    assert block.absent
