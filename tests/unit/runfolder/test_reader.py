"""Records are checked when they are read: what is mistyped is refused with its file and field, never a `TypeError`."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from qbench.errors import InputError
from qbench.runfolder.reader import read_cell, read_environment, read_record, read_run, read_speed
from qbench.runfolder.schema import FORMAT, CellLabels, CellRecord, RunRecord
from tests.unit.conftest import cell_record

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
