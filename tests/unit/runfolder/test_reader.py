"""Records are checked when they are read: what is mistyped is refused with its file and field, never a `TypeError`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from qbench.errors import InputError
from qbench.metrics.interface import Outcome
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.runfolder.integrity import sealed
from qbench.runfolder.reader import read_cell, read_environment, read_record, read_run, read_speed
from qbench.runfolder.schema import FORMAT, CellLabels, CellRecord, RunRecord
from qbench.runfolder.writer import RunFolder
from qbench.store.digests import file_digest
from tests.unit.conftest import cell_record
from tests.unit.runfolder.test_writer import ITEMS, METRICS

RECORD = cell_record().json_values()
SPEED = {
    **{"format": FORMAT, "model": "m", "quantizer": "q", "numerics": "cpu", "load_seconds": 1, "peak_bytes": None},
    **{"batch_size": 8, "repeats": 3, "rates": {"images": {"per_second": 2, "low": 1}}},
}
WRONG: list[tuple[str, Any]] = [
    ("key", 3),
    ("status", "half"),
    ("status", "missing"),
    ("model_info", None),
    ("model_info.checkpoint", ["b32"]),
    ("model_info.preprocessing.geometry.size", "large"),
    ("quantizer_info.kind", "pruning"),
    ("quantizer_info.options", []),
    ("benchmark_info.metrics.0.better", "up"),
    ("benchmark_info.metrics.0.name", 5),
    ("benchmark_info.attributes.0.groups", "young"),
    ("benchmark_info.attributes.0.pairs", [["young"]]),
    ("data_info.items", "80"),
    ("data_info.missing.by_group", {"age": 3}),
    ("batch.size", None),
    ("coverage", None),
    ("coverage.layers", {}),
    ("coverage.layers.0.error", "much"),
    ("facts.chance", [{"chance": "a fifth"}]),
    ("facts.chance", {"chance": 0.2}),
    ("facts.classes", 7),
    ("seconds.build", "long"),
    ("error", {"what": "no stage"}),
]


def changed(values: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """A deep copy with another value in one place."""
    copy = json.loads(json.dumps(values))
    *path, last = field.split(".")
    place = copy
    for part in path:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[int(last) if isinstance(place, list) else last] = value
    return copy  # type: ignore[no-any-return]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_mistyped_record_is_refused_with_file_and_field(tmp_path: Path, field: str, value: Any) -> None:
    path = tmp_path / "cells" / "cell.json"
    path.parent.mkdir()
    path.write_text(json.dumps(changed(RECORD, field, value)))
    with pytest.raises(InputError) as caught:
        read_cell(tmp_path, "cells")
    assert str(path) in str(caught.value)
    assert "damaged" in str(caught.value)
    assert field.partition(".0")[0].split(".")[0] in caught.value.what


@given(
    st.sampled_from([name for name in RECORD if name != "format"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
)
@settings(max_examples=60, deadline=None)
def test_whatever_stands_in_a_field_the_answer_is_a_record_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: Any
) -> None:
    path = tmp_path_factory.mktemp("record") / "cell.json"
    path.write_text(json.dumps({**RECORD, field: value}))
    with contextlib.suppress(InputError):
        assert isinstance(read_record(path, CellRecord), CellRecord)


@pytest.mark.parametrize("name", [name for name in RECORD if name in ("key", "model", "status", "model_info", "error")])
def test_a_field_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "cell.json"
    path.write_text(json.dumps({key: value for key, value in RECORD.items() if key != name}))
    with pytest.raises(InputError, match=f"{name}: Field required"):
        read_record(path, CellRecord)


def test_what_a_later_version_adds_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    path.write_text(json.dumps({**RECORD, "mood": "good"}))
    assert read_record(path, CellRecord) == cell_record()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("baseline", None),
        ("cells", "cells/a"),
        ("spec", []),
        ("spec.analysis", {"confidence": "high"}),
        ("spec.analysis", {"allow": "prompts"}),
        ("notes", [1]),
    ],
)
def test_a_mistyped_head_is_refused(tmp_path: Path, field: str, value: Any) -> None:
    head = RunRecord(baseline="fp32", cells=()).json_values()
    (tmp_path / "run.json").write_text(json.dumps(changed(head, field, value)))
    with pytest.raises(InputError, match=rf"run\.json: the file is damaged: {field}"):
        read_run(tmp_path)


def test_a_mistyped_speed_and_environment_are_refused(tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text(json.dumps(SPEED))
    with pytest.raises(InputError, match=r"speed\.json: the file is damaged: rates\.images\.high: Field required"):
        read_speed(tmp_path, "speed.json")
    (tmp_path / "environment.json").write_text(json.dumps({"cores": "two"}))
    with pytest.raises(InputError, match=r"environment\.json: the file is damaged: cores"):
        read_environment(tmp_path)


def test_a_machine_that_was_not_recorded_is_not_known(tmp_path: Path) -> None:
    assert read_environment(tmp_path).cores is None


def test_a_record_is_checked_when_it_is_made() -> None:
    with pytest.raises(ValidationError, match=r"facts\.chance\.0\.chance"):
        CellRecord(**{**dict(cell_record()), "facts": {"chance": [{"chance": 2.0}]}})


def test_a_cell_without_a_record_has_no_metrics_and_says_so(tmp_path: Path) -> None:
    labels = CellLabels(model="some model", quantizer="hf-int8 (threshold=4)", benchmark="facet")
    cell = read_cell(tmp_path, "cells/facet/some-model/hf-int8-threshold-4-1a2b3c4d", labels)
    assert (cell.model, cell.quantizer, cell.benchmark) == ("some model", "hf-int8 (threshold=4)", "facet")
    assert (cell.status, cell.metrics, cell.attributes, cell.failure) == ("missing", (), (), None)
    with pytest.raises(InputError, match="has no record"):
        _ = cell.record


def head(folder: Path, **values: Any) -> Path:
    """A run folder with one finished cell and a head that somebody else wrote."""
    writer = RunFolder(folder)
    writer.write_cell("cells/a/b/c", cell_record(), outcome=Outcome(items=ITEMS), metrics=METRICS)
    (folder / "cells/a/b/c/drift-1.parquet").write_bytes((folder / "cells/a/b/c/items.parquet").read_bytes())
    values = {"cells": ["cells/a/b/c"], **values}
    (folder / "run.json").write_text(json.dumps({"format": FORMAT, "baseline": "fp32", **values}))
    return folder


OUTSIDE = [
    "../other",
    "/etc",
    "cells/../../other",
    "linked",
    "linked/c",
    "",
    ".",
    "a\x00b",
    "x" * 300,
    "loop",
]


@pytest.mark.parametrize("field", ["cells", "speed", "drift"])
@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_the_run_folder(tmp_path: Path, field: str, name: str) -> None:
    other = head(tmp_path / "other")
    folder = head(tmp_path / "run", **{field: [name]})
    (folder / "linked").symlink_to(other / "cells" / "a" / "b")
    (folder / "loop").symlink_to(folder / "loop")
    with pytest.raises(InputError, match=r"run\.json: .*is not a place in the run folder"):
        load(folder)


@pytest.mark.parametrize("table", ["items", "metrics"])
def test_no_table_is_a_link_to_a_file_elsewhere(tmp_path: Path, table: str) -> None:
    other, folder = head(tmp_path / "other"), head(tmp_path / "run")
    (folder / f"cells/a/b/c/{table}.parquet").unlink()
    (folder / f"cells/a/b/c/{table}.parquet").symlink_to(other / f"cells/a/b/c/{table}.parquet")
    with pytest.raises(InputError, match="is not a place in the run folder"):
        load(folder)


def test_a_run_folder_may_itself_be_a_link_and_have_links_to_its_own_files(tmp_path: Path) -> None:
    folder = head(tmp_path / "run")
    (folder / "store").mkdir()
    items = folder / "cells/a/b/c/items.parquet"
    items.rename(folder / "store" / "items")
    items.symlink_to(folder / "store" / "items")
    (tmp_path / "link").symlink_to(folder)
    assert len(load(tmp_path / "link").items) == len(ITEMS)


@pytest.mark.parametrize("name", ["cells/a/b/c/items.parquet", "cells/a/b/c/cell.json", "cells/a/b/c"])
def test_a_drift_file_is_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"run\.json: .*is not a drift file"):
        load(head(tmp_path / "run", drift=[name]))


def test_an_analysis_names_no_table_elsewhere(tmp_path: Path) -> None:
    folder = head(tmp_path / "run")
    analysed(load(folder))
    path = folder / "analysis" / "analysis.json"
    record = json.loads(path.read_text())
    name = "../../other/cells/a/b/c/items"
    digest = file_digest(head(tmp_path / "other") / "cells/a/b/c/items.parquet")
    path.write_text(json.dumps(sealed({**record, "tables": {**record["tables"], name: digest}})))
    with pytest.raises(InputError, match="is not a place in the run folder"):
        load(folder).effects  # noqa: B018


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":' * 100_000, "not valid JSON"),
        ("[" * 500 + "]" * 500, "does not hold a JSON object"),
        ('{"format": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"format": 1e300}', "its format is"),
        ('{"format": NaN}', "its format is"),
        ('{"baseline": "fp32", "cells": [], "x": {"y": [1, 1' + "0" * 30 + "]}}", r"x\.y\.1 is too large a number"),
        ('{"baseline": "fp32", "cells": [], "seconds": NaN}', "seconds"),
        ("\x00", "not valid JSON"),
        ("", "not valid JSON"),
    ],
)
def test_a_hostile_file_is_refused_with_a_message(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=rf"run\.json: .*{said}"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("items", lambda t: t.drop(columns="item"), "'item' is missing"),
        ("items", lambda t: pd.concat([t, t]), "'a' is in it more than once"),
        ("items", lambda t: t.assign(correct="yes"), "'correct' does not hold true or false"),
        ("metrics", lambda t: t.assign(value="much"), "'value' does not hold numbers"),
        ("metrics", lambda t: t.assign(n=0.5), "'n' does not hold whole numbers"),
        ("metrics", lambda t: pd.concat([t, t]), "'recall@5' is in it more than once"),
    ],
)
def test_a_table_that_is_not_as_declared_is_refused(
    tmp_path: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    """Also where its digest is right: somebody else may have written it."""
    folder = head(tmp_path / "run")
    path = folder / f"cells/a/b/c/{table}.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)
    record = json.loads((path.parent / "cell.json").read_text())
    record["tables"][table] = file_digest(path)
    (path.parent / "cell.json").write_text(json.dumps(sealed(record)))
    with pytest.raises(InputError, match=rf"{table}\.parquet: the file is damaged: .*{said}"):
        getattr(load(folder), table)
