"""A run folder that an earlier version wrote is read like one of today.

``tests/fixtures/run-format-1`` was written by the last version of format 1, from the demo: one model, two quantizers,
two benchmarks, with its analysis. It is never edited; a later format gets a folder of its own beside it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qbench.metrics.interface import INDEX
from qbench.metrics.known import RECALL_BY_GROUP, SKEWS
from qbench.results import Results, load
from qbench.results.comparable import present_options, why_not_comparable
from qbench.results.effects import NAMES
from qbench.runfolder.schema import FORMAT, CellRecord, RunRecord
from qbench.runfolder.upgrade import cell_from_1, upgrade

FOLDER = Path(__file__).parents[2] / "fixtures" / "run-format-1"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load(shutil.copytree(FOLDER, tmp_path_factory.mktemp("old") / "run"))


def test_its_records_are_those_of_today(results: Results) -> None:
    assert results.run.format == FORMAT
    assert [(cell.model, cell.quantizer, cell.benchmark) for cell in results.done] == [
        ("demo/balanced", quantizer, benchmark)
        for benchmark in ("facet", "fairface")
        for quantizer in ("fp32", "hf-int8")
    ]
    facet = next(cell.record for cell in results.done if cell.benchmark == "facet")
    assert (facet.data_info.items, facet.data_info.images) == (448, 448)
    assert facet.benchmark_info.options["picture"] == "crop"
    assert facet.benchmark_info.attributes[0].group_pairs["masc-fem"] == ("masc", "fem")
    assert facet.coverage is not None
    assert facet.model_info.preprocessing is not None
    assert facet.known_facts.chance[0].name == "accuracy"
    assert results.environment.cores
    assert results.run.analysis.confidence == 0.95


def test_it_is_comparable_with_a_run_of_today(results: Results) -> None:
    """An option of FACET has another name since then, and others may have come."""
    facet = next(cell for cell in results.done if cell.benchmark == "facet")
    former = facet.record.benchmark_info.options
    present = {"image" if name == "picture" else name: value for name, value in former.items()}
    assert present != former
    for options, said in ((present, ""), ({**present, "image": "full"}, "other benchmark options")):
        info = facet.record.benchmark_info.model_copy(update={"options": options})
        now = replace(facet, found=facet.record.model_copy(update={"benchmark_info": info}))
        assert why_not_comparable(now, facet).startswith(said)
        assert bool(why_not_comparable(now, facet)) == bool(said)


def test_options_of_a_benchmark_that_is_not_installed_are_compared_as_they_are(results: Results) -> None:
    info = results.done[0].record.benchmark_info.model_copy(update={"record": "other:gone", "options": {"picture": 1}})
    assert present_options(info) == {"picture": 1}


def test_its_tables_are_read(results: Results) -> None:
    assert set(results.metrics["benchmark"]) == {"facet", "fairface"}
    assert len(results.items) == 2 * (448 + 504)
    assert set(results.drift["benchmark"]) == {"facet", "fairface"}
    fairface = next(cell for cell in results.done if cell.benchmark == "fairface")
    outcome = fairface.outcome()
    assert outcome.rankings is not None
    assert len(outcome.rankings) == 504 * len(outcome.facts["queries"])


def test_its_changes_are_judged_as_they_were(results: Results) -> None:
    keys = [*NAMES, *INDEX]
    before = pd.read_parquet(FOLDER / "analysis" / "effects.parquet").set_index(keys).sort_index()
    after = results.effects.set_index(keys).sort_index()
    assert after.index.equals(before.index)
    for column in ("value", "baseline_value", "change", "p", "p_holm"):
        np.testing.assert_allclose(after[column], before[column], rtol=0, atol=1e-12, err_msg=column)
    wider = after.index.get_level_values("metric") == "mean_disparity"  # few flips in a group count since revision 9
    for column in ("se", "low", "high"):
        now, then = after.loc[~wider, column], before.loc[~wider, column]
        np.testing.assert_allclose(now, then, rtol=0, atol=1e-12, err_msg=column)
    assert (after["se"][wider] >= before["se"][wider] - 1e-12).all()
    assert (after["high"] - after["low"])[wider].ge((before["high"] - before["low"])[wider] - 1e-12).all()
    doubled = [name.startswith(("skew@", "min_skew@", "max_skew@")) for name in after.index.get_level_values("metric")]
    np.testing.assert_allclose(
        after["margin"], before["margin"] * np.where(doubled, 2, 1)
    )  # the default of nats is 0.1


def test_its_metrics_have_the_roles_of_today(results: Results) -> None:
    roles = {info.name: info.judged_as for cell in results.done for info in cell.metrics}
    today = {info.name: info.judged_as for info in (*RECALL_BY_GROUP, *SKEWS)}
    assert roles == {name: today[name] for name in roles}


@pytest.mark.parametrize(("kind", "name"), [(RunRecord, "run.json"), (CellRecord, "cell.json")])
def test_a_record_that_was_brought_up_to_date_is_complete(kind: type[RunRecord | CellRecord], name: str) -> None:
    for path in FOLDER.rglob(name):
        values = json.loads(path.read_text())
        copy = json.loads(path.read_text())
        record = kind.model_validate_json(json.dumps(upgrade(kind.__name__, values, FORMAT)))
        assert values == copy  # left as they were
        assert upgrade(kind.__name__, record.json_values(), FORMAT) == record.json_values()


def test_pictures_are_images_and_the_benchmark_s_own_words_stay() -> None:
    cell = cell_from_1({"data_info": {"pictures": 3}, "benchmark_info": {"options": {"picture": "crop"}}})
    assert cell["data_info"] == {"images": 3}
    assert cell["benchmark_info"]["options"] == {"picture": "crop"}


def test_labels_of_cells_are_as_much_as_the_folders_say() -> None:
    new = upgrade("RunRecord", {"cells": ["cells/facet/some-model/hf-int4-quant-type-fp4-1a2b3c4d"]}, to=2)
    assert list(new["labels"].values()) == [
        {"model": "some-model", "quantizer": "hf-int4-quant-type-fp4", "benchmark": "facet"}
    ]


def test_what_is_not_a_record_is_left_to_the_check() -> None:
    assert upgrade("CellRecord", {"model_info": 3}, FORMAT)["model_info"] == 3
