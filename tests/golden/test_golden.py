"""Numbers of the demo, made before a refactoring, are found again: metrics, and all that is concluded from them.

``make.py`` says how the golden data was made. What is compared how:

- Metrics of the stored outcomes: bit for bit. They are shares, differences and logarithms of shares of whole counts.
- Metrics of the committed embeddings: bit for bit. Similarities are products in float64, whose last bits differ between
  machines; they are rounded to 12 decimals before anything is counted, and 1e-12 is far less than what separates two
  answers. Of the items themselves, margins and confidences are compared to 1e-9: a product may lie between two
  roundings, and a confidence multiplies similarities by 100.
- Changes, errors, intervals, tests, verdicts: numbers to 1e-12 (of their size where that is above 1), words exactly.
  Sentences for readers are not compared.
"""

from __future__ import annotations

import pandas as pd
import pytest

from tests.golden import adapter
from tests.golden.folders import ANALYSIS, ARRANGEMENTS, DATA, as_measured
from tests.golden.make import precomputed
from tools.compare_runs import KEYS, compare_tables


def golden(*names: str) -> pd.DataFrame:
    frame = pd.read_parquet(DATA.joinpath(*names).with_suffix(".parquet"))
    return frame.drop(columns=[x for x in frame if x in adapter.REMOVED])


def check(name: str, before: pd.DataFrame, today: pd.DataFrame, **tolerance: float) -> None:
    found = compare_tables(before, today, KEYS[name], **tolerance)
    assert not found.failures(), "\n".join(found.failures())


@pytest.fixture(scope="module", params=ARRANGEMENTS)
def arranged(request, tmp_path_factory):
    """One of the arrangements of the committed outcomes, and its results."""
    folder = ARRANGEMENTS[request.param](tmp_path_factory.mktemp(request.param))
    return request.param, adapter.load(folder)


@pytest.fixture(scope="module")
def found(cache, tmp_path_factory):
    """The results of a run on the committed embeddings; the demo's data is written into the cache of the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QBENCH_CACHE", str(cache))
        return adapter.run(precomputed(), tmp_path_factory.mktemp("precomputed") / "run")


def test_metrics_of_stored_outcomes_are_equal_bit_for_bit(tmp_path):
    results = adapter.load(as_measured(tmp_path))
    before = adapter.table(results, "metrics")
    assert len(before) > 5000
    again = pd.concat(
        frame.assign(model=model, quantizer=quantizer, benchmark=benchmark)
        for (model, quantizer, benchmark), frame in adapter.measured(results)
    )
    check("metrics", before, again, tolerance=0)


def test_metrics_of_embeddings_are_equal_bit_for_bit(found):
    check("metrics", golden("precomputed", "metrics"), adapter.table(found, "metrics"), tolerance=0)


def test_answers_of_embeddings_are_the_same(found):
    check("items", golden("precomputed", "items"), adapter.table(found, "items"), tolerance=1e-9)


@pytest.mark.parametrize("name", ANALYSIS)
def test_the_analysis_finds_the_same(arranged, name):
    arrangement, results = arranged
    check(name, golden(arrangement, name), adapter.table(results, name))


def test_the_golden_data_holds_every_kind_of_result():
    effects = golden("as-six-checkpoints", "effects")
    assert set(effects["verdict"]) == {
        "worse",
        "better",
        "amplified",
        "reduced",
        "equivalent",
        "inconclusive",
        "descriptive",
    }
    assert set(effects["method"]) == {"tango", "mover", "influence", "jackknife", ""}
    assert golden("as-six-checkpoints", "populations")["verdict"].nunique() == 4
