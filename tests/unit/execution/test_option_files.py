"""Options that name files: the content is in the key, the place is not, and people see the last name only."""

import json
from dataclasses import dataclass, field, replace

import pytest

from qbench.api import FILES, Quantizer, Variant
from qbench.execution.option_files import path_digests
from qbench.execution.plan import make_plan
from qbench.execution.run import execute
from qbench.execution.variant import VariantRun
from qbench.plugins.options import absolute_options, changed_options, option_paths, public_options
from qbench.plugins.registry import Entry
from qbench.probes.providers import ModelProvider
from tests.unit.execution.conftest import PLUGIN, Encoder, coverage


@dataclass(frozen=True)
class Options:
    scales: str = field(default="", metadata=FILES)
    more: tuple[str, ...] = field(default=(), metadata=FILES)
    bits: int = 8


@pytest.fixture
def registry(registry, log):
    def build(checkpoint, context, options):
        log.append(("scaled", context.calibration))
        return Variant(encoder=Encoder(log), coverage=coverage(True), dtype="float32")

    record = Quantizer(name="scaled", summary="", bits=8, build=build, options=Options)
    registry.entries["qbench_quantizers"].append(Entry(plugin=PLUGIN, record=record))
    return registry


@pytest.fixture
def run(spec, registry, cache, tmp_path):
    """Execute a spec with the quantizer that reads files; its cell and the label."""

    def go(**options):
        wanted = spec(quantizers=["base", {"name": "scaled", "options": options}])
        summary = execute(wanted, tmp_path / "run", registry=registry, cache=cache)
        name = json.loads((tmp_path / "run" / "run.json").read_text())["cells"][1]
        return summary.computed, json.loads((tmp_path / "run" / name / "cell.json").read_text())

    return go


def test_changed_content_is_computed_again_and_moved_content_is_not(run, tmp_path, log):
    file = tmp_path / "here" / "scales.json"
    file.parent.mkdir()
    file.write_text("1")
    first = run(scales=str(file))[1]
    assert run(scales=str(file))[0] == 0
    file.write_text("22")
    assert run(scales=str(file))[1]["key"] != first["key"]
    (tmp_path / "there").mkdir()
    moved = file.rename(tmp_path / "there" / "scales.json")
    moved.write_text("1")
    log.clear()
    computed, cell = run(scales=str(moved))
    assert (computed, cell["key"]) == (0, first["key"])
    assert log == []


def test_the_record_tells_files_of_one_name_apart(run, tmp_path):
    digests = []
    for folder, content in (("here", "1"), ("there", "1"), ("elsewhere", "2")):
        file = tmp_path / folder / "scales.json"
        file.parent.mkdir()
        file.write_text(content)
        digests.append(run(scales=str(file))[1]["quantizer_info"]["files"]["scales"])
    assert digests[0] == digests[1] != digests[2]


def test_a_folder_is_all_that_is_in_it(run, tmp_path):
    folder = tmp_path / "scales"
    folder.mkdir()
    (folder / "a").write_text("1")
    keys = [run(scales=str(folder))[1]["key"]]
    (folder / "b").write_text("2")
    keys.append(run(scales=str(folder))[1]["key"])
    (folder / "b").rename(folder / "c")
    keys.append(run(scales=str(folder))[1]["key"])
    assert len(set(keys)) == 3


def test_several_files_are_in_their_order(cache, tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(name)
    one, two = tmp_path / "a", tmp_path / "b"
    assert path_digests([one, two], cache) != path_digests([two, one], cache)
    assert len(path_digests([one, tmp_path / "nowhere"], cache)) == 1


def test_people_see_the_last_name_only(run, tmp_path):
    file = tmp_path / "private" / "scales.json"
    file.parent.mkdir()
    file.write_text("1")
    _, cell = run(scales=str(file), bits=4)
    assert cell["quantizer"] == "scaled (scales=scales.json, bits=4)"
    assert cell["quantizer_info"]["options"] == {"scales": "scales.json", "more": [], "bits": 4}
    assert list(cell["quantizer_info"]["files"]) == ["scales"]
    for path in (tmp_path / "run").rglob("*.json"):
        assert "private" not in path.read_text()


def test_a_relative_path_is_relative_to_the_spec(spec, registry, tmp_path):
    wanted = spec(quantizers=["base", {"name": "scaled", "options": {"scales": "a.json", "more": ["b", "/c"]}}])
    plan = make_plan(wanted.model_copy(update={"base": str(tmp_path)}), registry)
    options = plan.quantizers[1].options
    assert (options.scales, options.more) == (str(tmp_path / "a.json"), (str(tmp_path / "b"), "/c"))


def test_options_without_a_path_name_no_file(tmp_path):
    assert option_paths(Options()) == {}
    assert absolute_options(Options(bits=4), tmp_path) == Options(bits=4)
    assert public_options(Options()) == {"scales": "", "more": [], "bits": 8}
    assert changed_options(Options(scales="/x/y")) == {"scales": "y"}


@dataclass(frozen=True)
class Calibration:
    digest: str
    texts: tuple[str, ...] = ("a", "b")

    def pixels(self, geometry):
        raise AssertionError("this method calibrates on texts only")


def test_calibration_data_reach_the_method_and_the_key(spec, registry, cache, log):
    from qbench.execution.prepare import prepare_model

    plan = make_plan(spec(quantizers=["base", "scaled"]), registry)
    model, quantizer = prepare_model(plan.models[0]), plan.quantizers[1]
    data = [None, Calibration("1"), Calibration("2")]
    runs = [VariantRun(cache, model, quantizer, calibration) for calibration in data]
    parts = [run.parts(ModelProvider()) for run in runs]
    assert [p.get("calibration") for p in parts] == [None, "1", "2"]
    assert "calibration" not in parts[0]
    runs[1].built()
    assert log == [("scaled", data[1])]
    assert replace(data[1], digest="2") == data[2]
