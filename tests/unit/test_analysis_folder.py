"""The analysis that lies in a run folder: used while it fits, made again when it does not, refused when damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from qbench.cli import app
from qbench.errors import InputError
from qbench.results import load
from qbench.results.analysis import analyse_again, analysed, settings_of, stored
from qbench.runfolder.integrity import sealed
from qbench.runfolder.writer import concluding

Make = Callable[..., Any]


@pytest.fixture
def run(make_run: Make) -> Any:
    return make_run(models=("openai/ViT-B-32",), benchmarks=("imagenet", "facet"))


def test_it_is_kept_and_read_again(run: Any) -> None:
    folder = run.write()
    made = analysed(load(folder)).effects
    assert sorted(p.name for p in (folder / "analysis").iterdir()) == [
        "analysis.json",
        *(
            f"{t}.parquet"
            for t in ("effects", "exemplars", "flips", "populations", "predictors", "squares", "variance")
        ),
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
    file.write_text(json.dumps(sealed({**record, "statistics": used})))
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


def test_a_margin_of_a_metric_that_the_run_has_no_number_of_is_refused_with_those_that_it_has(run: Any) -> None:
    for name, table in run.metrics.items():
        run.metrics[name] = table[table["metric"] != "mean_recall"]  # declared, and not made
    done = CliRunner().invoke(app, ["analyse", str(run.write()), "--margin", "mean_recall=0.02"])
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    said = str(done.exception)
    assert "no number of this run has the margin 'mean_recall'" in said
    assert "It has the metrics top1, top5, recall, accuracy," in said
    assert "mean_recall" not in said.partition("It has")[2]
    assert not (run.folder / "analysis").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"margins": {"tpo1": 0.1}}, "'tpo1'\nDid you mean 'top1'"),
        ({"margins": {"max_skew": float("inf")}}, "it is a number above 0"),
        ({"margins": {"top1": 0.0}}, "it is a number above 0"),
        ({"confidence": 1.5}, "confidence"),
        ({"confidence": 0.2}, "confidence"),
    ],
)
def test_a_wrong_setting_says_so(run: Any, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        analyse_again(load(run.write()), changed)


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        ({"family": ["metric", "label"]}, "families of tests cannot share 'label'"),
        ({"resamples": 2**40}, r"resamples is 1,099,511,627,776; it is from 1 to 100,000"),
        ({"resamples": 0}, "resamples is 0"),
        ({"seed": -1}, "the seed is -1"),
        ({"confidence": 2.0}, "between 0.5 and 1"),
    ],
)
@pytest.mark.parametrize("where", ["run.json", "analysis.json"])
def test_settings_that_no_spec_can_have_are_refused_wherever_a_run_folder_has_them(
    run: Any, where: str, analysis: dict[str, Any], said: str
) -> None:
    folder = run.write()
    if where == "run.json":
        _spec(folder, analysis)
    else:
        _spec(folder, {"seed": 1, "resamples": 99})
        analysed(load(folder))
        path = folder / "analysis" / "analysis.json"
        values = json.loads(path.read_text())
        values["settings"] |= analysis
        path.write_text(json.dumps(sealed(values)))
    with pytest.raises(InputError, match=said):
        analysed(load(folder))


def _spec(folder: Path, analysis: dict[str, Any]) -> None:
    """Change the ``[analysis]`` of a run as `qbench run` does: the cells stay."""
    path = folder / "run.json"
    record = json.loads(path.read_text())
    record["spec"]["analysis"] = analysis
    path.write_text(json.dumps(record))


def _margins_of_top1(folder: Path) -> set[float]:
    effects = analysed(load(folder)).effects
    return set(effects.loc[effects["metric"] == "top1", "margin"])


def test_other_margins_in_the_spec_make_it_stale(run: Any) -> None:
    folder = run.write()
    assert _margins_of_top1(folder) == {0.01}
    _spec(folder, {"margins": {"top1": 0.2}})
    assert stored(load(folder)) is None
    assert _margins_of_top1(folder) == {0.2}
    assert stored(load(folder)) is not None


def test_what_analyse_was_told_stays_as_long_as_the_spec_says_the_same(run: Any) -> None:
    folder = run.write()
    _spec(folder, {"margins": {"top1": 0.2}, "seed": 3})
    analyse_again(load(folder), {"margins": {"top1": 0.5}})
    assert _margins_of_top1(folder) == {0.5}
    _spec(folder, {"margins": {"top1": 0.2}, "seed": 4})
    assert _margins_of_top1(folder) == {0.2}


@pytest.mark.parametrize("changed", [{"seed": 0}, {"confidence": 0.9}, {"resamples": 99}, {"family": ["metric"]}])
def test_every_setting_of_the_spec_makes_it_stale(run: Any, changed: dict[str, Any]) -> None:
    folder = run.write()
    _spec(folder, {"seed": 1})
    analysed(load(folder))
    _spec(folder, {"seed": 1, **changed})
    assert stored(load(folder)) is None


def test_what_is_allowed_makes_it_stale(run: Any) -> None:
    name = next(n for n, r in run.records.items() if r["quantizer"] == "hf-int8" and r["benchmark"] == "facet")
    run.records[name]["batch"]["size"] = 1
    folder = run.write()
    before = analysed(load(folder)).effects
    _spec(folder, {"allow": ["batch"]})
    after = analysed(load(folder)).effects
    int8 = "quantizer == 'hf-int8' and benchmark == 'facet'"
    assert [len(found.query(int8)) > 0 for found in (before, after)] == [False, True]


@pytest.mark.parametrize("damage", ["truncated", "missing", "of another analysis"])
def test_a_table_that_is_not_of_this_analysis_is_made_again_and_said(
    run: Any, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = run.write()
    made = analysed(load(folder)).effects
    table = folder / "analysis" / "effects.parquet"
    if damage == "truncated":
        table.write_bytes(b"PAR1")
    elif damage == "missing":
        table.unlink()
    else:  # what a second analysis leaves that runs at the same time
        made.assign(verdict="equivalent").to_parquet(table)
    assert stored(load(folder)) is None
    assert f"{table}: the file is missing or damaged; the analysis is made again" in caplog.text
    pd.testing.assert_frame_equal(load(folder).effects, made, check_dtype=False)


def test_two_writers_wait_for_each_other(run: Any) -> None:
    folder = run.write()
    analysed(load(folder))
    with concluding(folder):
        waiting = Thread(target=analyse_again, args=(load(folder), {"seed": 5}))
        waiting.start()
        waiting.join(timeout=1.5)
        assert waiting.is_alive()
        assert stored(load(folder)) is not None  # what is there is whole all the time
    waiting.join(timeout=60)
    assert json.loads((folder / "analysis" / "analysis.json").read_text())["settings"]["seed"] == 5


def test_no_report_stands_beside_an_analysis_that_it_does_not_show(run: Any, tmp_path: Path) -> None:
    folder = run.write().rename(tmp_path / "r 1")
    cli = CliRunner()
    first = cli.invoke(app, ["analyse", str(folder), "--no-report"])
    assert "earlier report" not in first.output
    (folder / "report.html").write_text("an earlier report")
    done = cli.invoke(app, ["analyse", str(folder), "--margin", "top1=0.123"])
    assert done.exit_code == 0, done.output
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    told = cli.invoke(app, ["analyse", str(folder), "--no-report"]).output
    assert f"Write it anew with: qbench report '{folder}'" in " ".join(told.split())


@pytest.mark.parametrize("name", ["top1", "facet.accuracy", "share", "share/group", "points"])
def test_a_margin_of_more_than_a_hundred_points_is_refused(run: Any, name: str) -> None:
    with pytest.raises(InputError, match=r"which is 300 points\nWrite it as a fraction: 0\.03 is 3 points\."):
        analyse_again(load(run.write()), {"margins": {name: 3.0}})


def test_a_flagged_variant_is_not_called_fair(make_run: Make) -> None:
    run = make_run(models=("openai/ViT-B-32",), quantizers=("fp32", "hf-int4"), benchmarks=("facet",))
    name = next(n for n, r in run.records.items() if r["quantizer"] == "hf-int4")
    run.items[name]["correct"] = [i < 16 for i in range(80)]  # 48 of 80 before
    effects = load(run.write()).effects
    assert effects["flags"].str.contains("accuracy-lost").all()
    assert set(effects["verdict"]) <= {"inconclusive", "worse"}


def test_void_numbers_are_no_part_of_the_variance(make_run: Make) -> None:
    run = make_run(models=("openai/ViT-B-32",), quantizers=("fp32", "a", "b", "c", "d"), benchmarks=("facet",))
    name = next(n for n, r in run.records.items() if r["quantizer"] == "d")
    whole = load(run.write()).variance
    run.items[name]["correct"] = [i < 16 for i in range(80)]
    without = load(run.write()).variance
    of = ["benchmark", "metric", "attribute", "factor"]
    both = whole.merge(without, on=of)
    assert len(both)
    assert (both["changes_x"] * 3 == both["changes_y"] * 4).all()


def test_settings_have_defaults() -> None:
    assert settings_of({}).confidence == 0.95
    with pytest.raises(InputError, match="seed is too large a number"):
        settings_of({"seed": 2**63})
    assert settings_of({"family": ["metric"], "later": 1}).family == ("metric",)
