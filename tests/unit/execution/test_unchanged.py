"""What was computed from other files than those in its key is not kept, and fails its cell."""

import json
from dataclasses import dataclass, field

import pytest

from qbench.api import FILES, Quantizer, Variant
from qbench.execution.run import execute
from qbench.plugins.registry import Entry
from tests.unit.execution.conftest import PLUGIN, Checkpoint, Encoder, coverage


@dataclass(frozen=True)
class Options:
    scales: str = field(default="", metadata=FILES)


@pytest.fixture
def weights(tmp_path):
    """The file of the checkpoint."""
    (tmp_path / "weights").write_text("1")
    return tmp_path / "weights"


@pytest.fixture
def while_it_runs():
    """What happens during the next forward pass of the quantizer ``scaled``, by list."""
    return []


@pytest.fixture
def while_it_is_built():
    """What happens while it is built the next time, by list."""
    return []


@pytest.fixture
def run(spec, registry, cache, tmp_path, weights, log, while_it_runs, while_it_is_built):
    """Execute a spec; its summary and the record of the second cell."""

    class Disturbed(Encoder):
        def encode_texts(self, texts):
            while while_it_runs:
                while_it_runs.pop()()
            return super().encode_texts(texts)

    def build(checkpoint, context, options):
        while while_it_is_built:
            while_it_is_built.pop()()
        return Variant(encoder=Disturbed(log), coverage=coverage(True), dtype="float32")

    def open_(name, options):
        return Checkpoint(f"weights {weights.read_text()}", log)

    record = Quantizer(name="scaled", summary="", bits=8, build=build, options=Options)
    registry.entries["qbench_quantizers"].append(Entry(plugin=PLUGIN, record=record))
    (toy,) = registry.entries["qbench_models"]
    object.__setattr__(toy.record, "open", open_)

    def go(**options):
        wanted = spec(quantizers=["base", {"name": "scaled", "options": options}])
        summary = execute(wanted, tmp_path / "run", registry=registry, cache=cache)
        name = json.loads((tmp_path / "run" / "run.json").read_text())["cells"][1]
        return summary, json.loads((tmp_path / "run" / name / "cell.json").read_text())

    return go


def test_weights_that_change_while_a_model_runs(run, weights, while_it_runs):
    while_it_runs.append(lambda: weights.write_text("22"))
    summary, cell = run()
    assert summary.failed == 1
    assert (
        "files of the model or of an option were changed while the run was going on (weights)" in cell["error"]["what"]
    )
    weights.write_text("1")
    summary, cell = run()
    assert (summary.failed, summary.computed) == (0, 1)  # nothing was kept of what the changed weights gave


def test_a_file_of_an_option_that_changes_while_a_model_runs(run, tmp_path, while_it_runs):
    scales = tmp_path / "scales"
    scales.write_text("1")
    while_it_runs.append(lambda: scales.write_text("22"))
    summary, cell = run(scales=str(scales))
    assert summary.failed == 1
    assert "were changed while the run was going on (files)" in cell["error"]["what"]


def test_nothing_is_remembered_of_a_variant_that_was_built_of_other_weights(run, weights, while_it_is_built, cache):
    while_it_is_built.append(lambda: weights.write_text("2"))
    _, cell = run()
    assert "files of the model or of an option were changed" in cell["error"]["what"]
    remembered = [json.loads(path.read_text().splitlines()[1]) for path in (cache.root / "variants").rglob("*.memo")]
    assert len(remembered) == 1  # of the baseline
    weights.write_text("1")
    assert run()[1]["status"] == "done"
