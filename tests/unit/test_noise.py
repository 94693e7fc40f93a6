"""The noise floor: how far other orders of the same items move each change."""

import numpy as np
import pandas as pd
import pytest

from qbench.comparisons import CellNames, cell_pairs
from qbench.report.html import page
from qbench.results import load
from qbench.results.noise import noise_floor

NAMES = {"model": "m", "benchmark": "b"}


def numbers(*values: float, order: str) -> pd.DataFrame:
    frame = pd.DataFrame({"metric": ["top1", "top5"], "attribute": "", "group": "", "class": ""})
    return frame.assign(value=values, order=order)


@pytest.fixture
def floor() -> pd.DataFrame:
    effects = pd.DataFrame(
        {**NAMES, "quantizer": "q", "metric": ["top1", "top5"], "attribute": "", "group": "", "class": ""}
    ).assign(change=[0.10, np.nan])
    base = pd.concat([numbers(0.5, 0.8, order="shuffle-1"), numbers(0.5, 0.8, order="shuffle-2")])
    mine = pd.concat([numbers(0.62, 0.8, order="shuffle-1"), numbers(0.57, 0.8, order="shuffle-2")])
    orders = {CellNames("m", "fp32", "b"): base, CellNames("m", "q", "b"): mine}
    return noise_floor(effects, orders, cell_pairs(orders, "fp32"))


def test_it_is_the_spread_of_the_paired_change(floor):
    row = floor.set_index("metric").loc["top1"]
    assert row["change"] == 0.10
    assert row["orders"] == 3
    assert row["noise_sd"] == pytest.approx(np.std([0.10, 0.12, 0.07], ddof=1))
    assert row["noise_max"] == pytest.approx(0.03)


def test_an_undetermined_change_has_no_noise(floor):
    assert floor.set_index("metric").loc["top5", ["noise_sd", "noise_max"]].isna().all()


def test_without_other_orders_there_is_no_floor_and_the_report_says_so(make_run):
    results = load(make_run(benchmarks=("coco",)).write())
    assert results.noise.empty
    assert "With noise = N in the spec" in page(results)
    assert "With speed = N in the spec" in page(results)


def test_a_run_with_other_orders_has_a_floor_for_every_change(make_run):
    run = make_run(benchmarks=("coco", "facet"))
    run.add_noise(3)
    results = load(run.write())
    assert len(results.noise) == len(results.effects)
    assert set(results.noise["orders"]) == {4}
    html = page(results)
    assert "within the noise" in html
    assert "over 4 orders of the same items" in html


def test_speed_is_shown_with_its_spread_and_unknown_memory_is_said_to_be_unknown(make_run):
    run = make_run(benchmarks=("coco",))
    run.add_speed("laion/ViT-B-16", "fp32")
    run.add_speed("laion/ViT-B-16", "hf-int8", peak_bytes=None)
    results = load(run.write())
    assert results.speed["images_per_second"].tolist() == [100.0, 100.0]
    html = page(results)
    assert "100.0 [90.5, 101.2]" in html
    assert "unknown" in html
