"""The analysis that lies in a run folder: used while it fits, made again when it does not, refused when damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from qbench.cli import app
from qbench.errors import InputError
from qbench.results import load
from qbench.results.analysis import analyse_again, analysed, settings_of, stored

Make = Callable[..., Any]


@pytest.fixture
def run(make_run: Make) -> Any:
    return make_run(models=("openai/ViT-B-32",), benchmarks=("imagenet", "facet"))


def test_it_is_kept_and_read_again(run: Any) -> None:
    folder = run.write()
    made = analysed(load(folder)).effects
    assert sorted(p.name for p in (folder / "analysis").iterdir()) == [
        "analysis.json",
        *(f"{t}.parquet" for t in ("effects", "exemplars", "flips", "populations", "squares", "variance")),
    ]
    again = load(folder)
    assert stored(again) is not None
    pd.testing.assert_frame_equal(again.effects, made, check_dtype=False)


def test_a_cell_that_was_computed_again_makes_it_stale(run: Any) -> None:
    folder = run.write()
    analysed(load(folder))
    cell = next(folder.glob("cells/*/*/*/cell.json"))
    cell.write_text(json.dumps({**json.loads(cell.read_text()), "key": "another"}))
    results = load(folder)
    assert stored(results) is None
    assert len(results.effects)


@pytest.mark.parametrize(
    ("used", "kept"),
    [
        ({"bootstrap": ""}, False),  # was not installed then, is now
        ({"bootstrap": "other:bootstrap (other 1)"}, False),
        ({"gone": "other:gone (other 1)"}, True),  # is not installed now: what it said is kept
        ({}, True),  # of an earlier version
    ],
)
def test_a_statistic_that_has_changed_makes_it_stale(run: Any, used: dict[str, str], kept: bool) -> None:
    folder = run.write()
    analysed(load(folder))
    file = folder / "analysis" / "analysis.json"
    record = json.loads(file.read_text())
    assert record["statistics"]["bootstrap"].startswith("statistics:bootstrap (qbench-vlm ")
    file.write_text(json.dumps({**record, "statistics": used}))
    assert (stored(load(folder)) is not None) == kept


def test_a_seed_of_zero_is_a_seed(run: Any) -> None:
    run.run["spec"]["analysis"] = {"seed": 7}
    folder = run.write()
    done = CliRunner().invoke(app, ["analyse", str(folder), "--seed", "0"])
    assert done.exit_code == 0, done.output
    assert json.loads((folder / "analysis" / "analysis.json").read_text())["settings"]["seed"] == 0


def test_other_settings_replace_it_and_stay(run: Any) -> None:
    folder = run.write()
    before = analysed(load(folder)).effects
    analyse_again(load(folder), {"margins": {"top1": 0.5}, "confidence": 0.99})
    after = load(folder).effects
    assert (before.loc[before["metric"] == "top1", "margin"] == 0.01).all()
    assert (after.loc[after["metric"] == "top1", "margin"] == 0.5).all()
    assert json.loads((folder / "analysis" / "analysis.json").read_text())["settings"]["confidence"] == 0.99


def test_the_settings_are_the_specs(run: Any) -> None:
    run.run["spec"]["analysis"] = {"margins": {"facet.accuracy": 0.2}, "family": ["benchmark"]}
    effects = load(run.write()).effects
    assert (effects.loc[effects["metric"] == "accuracy", "margin"] == 0.2).all()
    assert effects["family"].nunique() == 4  # two benchmarks; numbers over all and of classes


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"margins": {"tpo1": 0.1}}, "'tpo1'\nDid you mean 'top1'"),
        ({"confidence": 1.5}, "confidence"),
        ({"confidence": 0.2}, "confidence"),
    ],
)
def test_a_wrong_setting_says_so(run: Any, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        analyse_again(load(run.write()), changed)


def test_a_damaged_table_says_what_to_do(run: Any) -> None:
    folder = run.write()
    analysed(load(folder))
    (folder / "analysis" / "effects.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="qbench analyse"):
        stored(load(folder))


def test_a_flagged_variant_is_not_called_fair(make_run: Make) -> None:
    run = make_run(models=("openai/ViT-B-32",), quantizers=("fp32", "hf-int4"), benchmarks=("facet",))
    name = next(n for n, r in run.records.items() if r["quantizer"] == "hf-int4")
    rows = run.metrics[name]
    run.metrics[name] = rows.assign(value=rows["value"].where(rows["metric"] != "accuracy", 0.2))  # was about 0.7
    effects = load(run.write()).effects
    assert effects["flags"].str.contains("accuracy-lost").all()
    assert set(effects["verdict"]) <= {"inconclusive", "worse"}


def test_settings_have_defaults() -> None:
    assert settings_of({}).confidence == 0.95
    assert settings_of({"family": ["metric"], "later": 1}).family == ("metric",)
