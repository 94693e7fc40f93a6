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
from tests.golden.comparison import KEYS, TOLERANCE, differences
from tests.golden.folders import ANALYSIS, ARRANGEMENTS, DATA, as_measured
from tests.golden.make import precomputed

SIGNED = {"amplified", "reduced"}
UNCLEAR = "not yet known"


def golden(*names: str) -> pd.DataFrame:
    frame = pd.read_parquet(DATA.joinpath(*names).with_suffix(".parquet"))
    return frame.drop(columns=[x for x in frame if x in adapter.REMOVED])


def corrected(arrangement: str) -> pd.DataFrame:
    """Effects whose golden verdict was wrong, with the correct one; see ``data/corrected.csv``."""
    frame = pd.read_csv(DATA / "corrected.csv", keep_default_na=False)
    return frame[frame["arrangement"] == arrangement].drop(columns="arrangement")


def said(found: dict[str, pd.DataFrame]) -> str:
    return "\n".join(f"{column}: {len(rows)} rows, such as\n{rows.head(5)}" for column, rows in found.items())


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
    different = differences(before, again, KEYS["metrics"], tolerance=0)
    assert not different, said(different)


def test_metrics_of_embeddings_are_equal_bit_for_bit(found):
    different = differences(
        golden("precomputed", "metrics"), adapter.table(found, "metrics"), KEYS["metrics"], tolerance=0
    )
    assert not different, said(different)


def test_answers_of_embeddings_are_the_same(found):
    different = differences(
        golden("precomputed", "items"), adapter.table(found, "items"), KEYS["items"], tolerance=1e-9
    )
    assert not different, said(different)


@pytest.mark.parametrize("name", ANALYSIS)
def test_the_analysis_finds_the_same(arranged, name):
    arrangement, results = arranged
    before, today = golden(arrangement, name), adapter.table(results, name)
    if name == "effects":
        keys = KEYS["effects"]
        changed = before[keys].merge(corrected(arrangement), on=keys, how="left", validate="one_to_one")["verdict"]
        before = before.assign(verdict=changed.fillna(before["verdict"]).to_numpy())
    different = differences(before, today, KEYS[name], tolerance=TOLERANCE, filled=adapter.FILLED)
    assert not different, said(different)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_only_signs_of_biases_were_corrected(arrangement):
    changed = corrected(arrangement).merge(golden(arrangement, "effects"), on=KEYS["effects"], suffixes=("", "_golden"))
    assert len(changed) == len(corrected(arrangement))
    assert (changed["better"] == "zero").all()
    assert (changed["verdict"] != changed["verdict_golden"]).all()
    assert set(changed["verdict"]) | set(changed["verdict_golden"]) <= {*SIGNED, UNCLEAR}


def test_the_golden_data_holds_every_kind_of_result():
    effects = golden("as-six-checkpoints", "effects")
    assert set(effects["verdict"]) == {"worse", "better", "amplified", "reduced", "equivalent", "not yet known"}
    assert set(effects["method"]) == {"tango", "mover", "closed form", "influence", "jackknife", ""}
    assert golden("as-six-checkpoints", "populations")["verdict"].nunique() == 4


@pytest.mark.parametrize(
    ("column", "value"), [("se", 0.1 + 2e-12), ("se", float("nan")), ("se", float("inf")), ("verdict", "worse")]
)
def test_a_difference_is_found(column, value):
    before = pd.DataFrame({"metric": ["a", "b"], "se": [0.1, float("nan")], "verdict": ["better", ""]})
    assert not differences(before, before.iloc[::-1], ["metric"], tolerance=0)
    today = before.astype({column: object})
    today.loc[0, column] = value
    assert list(differences(before, today.astype({"se": float}), ["metric"])) == [column]


def test_a_row_or_column_that_is_missing_is_found():
    before = pd.DataFrame({"metric": ["a", "b"], "se": [0.1, 0.2]})
    for golden, today in ((before, before.iloc[:1]), (before.iloc[:1], before), (before, before.drop(columns="se"))):
        with pytest.raises(AssertionError, match=r"missing|new"):
            differences(golden, today, ["metric"])
