"""What the contract cannot see: weights in OpenVINO's graph, scope, precision; and that GPTQ does what it is for."""

import json
import os
import shutil

import numpy as np
import pytest

from qbench.api import Context, InputError, QuantizationError
from qbench.execution.calibration import prepare_calibration
from qbench.execution.plan import plan_calibration, plan_quantizer
from qbench.plugins.registry import Entry, Plugin, Registry
from qbench.spec.model import CalibrationSpec, QuantizerSpec
from qbench.store.cache import Cache
from qbench.testing import tiny
from qbench.testing.embedding import distance, embed

pytest.importorskip("openvino", reason="the extra openvino is not installed")
pytest.importorskip("nncf", reason="the extra openvino is not installed")


@pytest.fixture
def checkpoint(small_clip, open_clip_source):
    return open_clip_source(small_clip)


@pytest.fixture
def build(checkpoint, tmp_path):
    from qbench_openvino import qbench_quantizers

    records = {record.name: record for record in qbench_quantizers()}

    def build_(name, of=None, **options):
        record, data = records[name], None
        if record.calibrates:
            spec = CalibrationSpec.model_validate(tiny.write_calibration(tmp_path / "calibration"))
            data = prepare_calibration(plan_calibration(spec, Registry()), Cache(), workers=1)
        return record.build(of or checkpoint, Context(device="cpu", calibration=data), record.options(**options))

    return build_


def test_the_coverage_is_that_of_the_weights(build, checkpoint):
    coverage = build("ov-int8-weights", symmetric=True).coverage
    for layer in coverage.layers:
        weight = checkpoint.weight(f"{layer.name}.weight").astype(np.float64)
        scale = np.abs(weight).max(axis=1, keepdims=True) / 127.5  # NNCF uses -128 too
        error = np.linalg.norm(np.round(weight / scale) * scale - weight) / np.linalg.norm(weight)
        assert layer.error == pytest.approx(error, rel=0.1), layer.name
        assert layer.bits == 8 + 16 / weight.shape[1]  # a scale in half precision for each row
        assert layer.kind == "MatMul of i8"
    assert len(coverage.layers) == 14


def test_what_smooth_quant_moves_into_the_weights_is_no_error_of_theirs(build):
    plain, smooth = (build("ov-int8-static", smooth_quant=power).coverage for power in (-1.0, 0.5))
    for before, after in zip(plain.layers, smooth.layers, strict=True):
        assert after.quantized
        assert after.error == pytest.approx(before.error, rel=0.5)
    assert any(a.error != b.error for a, b in zip(plain.layers, smooth.layers, strict=True))


def test_what_awq_moves_into_the_weights_is_no_error_of_theirs(build):
    plain = build("ov-int4-weights", group=32).coverage.layers
    moved = build("ov-int4-calibrated", group=32, method="awq").coverage.layers
    changed = [(before, after) for before, after in zip(plain, moved, strict=True) if before.error != after.error]
    assert {after.name.split(".")[-1] for _, after in changed} == {"fc2"}  # the layers behind an activation function
    assert {after.tower for _, after in changed} == {"image", "text"}
    for before, after in changed:
        assert after.error == pytest.approx(before.error, rel=0.3)


def test_awq_is_refused_where_nncf_would_change_nothing(small_clip, open_clip_source, build, tmp_path):
    """GELU is exported as a formula, in which NNCF sees no activation function."""
    folder = shutil.copytree(small_clip, tmp_path / "gelu")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    for tower in ("text_config", "vision_config"):
        config[tower]["hidden_act"] = "gelu"
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(QuantizationError, match="AWQ scales layers behind an activation function that it knows"):
        build("ov-int4-calibrated", group=32, method="awq", of=open_clip_source(folder))


def test_towers_layers_and_groups_are_left_out_with_the_reason(build):
    layers = build("ov-int4-weights", group=128, towers="image").coverage.layers
    reasons = {layer.name: layer.reason for layer in layers}
    assert {layer.name for layer in layers if layer.quantized} == {"vision_model.encoder.layers.0.mlp.fc2"}
    assert reasons["visual_projection"] == "64 inputs are not a multiple of group = 128"
    assert reasons["text_model.encoder.layers.0.mlp.fc1"].startswith("64 inputs")
    assert reasons["text_model.encoder.layers.0.mlp.fc2"] == "towers = image"
    reasons = {x.name: x.reason for x in build("ov-int8-weights", skip=("*.fc2",)).coverage.layers}
    assert reasons["vision_model.encoder.layers.0.mlp.fc2"] == "skip = *.fc2"


def test_gptq_moves_embeddings_less_than_rounding_to_the_nearest(build):
    """On the images and texts that it was calibrated on."""
    pixels = tiny.pixels()
    exact = embed(build("ov-fp32").encoder, pixels)
    errors = {}
    for name, options in (("ov-int4-weights", {}), ("ov-int4-calibrated", {})):
        found = embed(build(name, group=32, **options).encoder, pixels)
        errors[name] = [distance(a, b) for a, b in zip(exact, found, strict=True)]
    assert all(a < b for a, b in zip(errors["ov-int4-calibrated"], errors["ov-int4-weights"], strict=True))


def test_the_precision_is_stated_and_one_that_the_cpu_does_not_have_is_refused(build, monkeypatch):
    import qbench_openvino.runtime
    from qbench_openvino.options import RuntimeOptions

    assert build("ov-fp32").note == "OpenVINO computes in f32"
    assert qbench_openvino.runtime.settings(RuntimeOptions(threads=1)) == {
        "INFERENCE_PRECISION_HINT": "f32",
        "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
    }

    class Machine:
        def get_property(self, device, name):
            return ["FP32"]

    monkeypatch.setattr(qbench_openvino.runtime, "core", Machine)
    with pytest.raises(InputError, match="does not compute in bf16 on this CPU"):
        build("ov-int8-weights", precision="bf16")


@pytest.mark.parametrize("options", [{"threads": -1}, {"dynamic_group": -1}, {"smooth_quant": 1.5}])
def test_values_without_a_meaning_are_refused(options):
    from qbench_openvino.options import StaticOptions

    with pytest.raises(ValueError, match="must be"):
        StaticOptions(**options)


def test_nncf_sends_nothing():
    import nncf.telemetry.wrapper as wrapper

    import qbench_openvino  # noqa: F401

    assert os.environ["NNCF_CI"]
    assert isinstance(wrapper.telemetry, wrapper.NNCFTelemetryStub)


def test_without_the_extra_they_are_listed_and_refused(monkeypatch):
    import qbench_openvino
    from qbench.cli.listing import _summary

    monkeypatch.setattr(qbench_openvino, "find_spec", lambda package: None)
    records = list(qbench_openvino.qbench_quantizers())
    assert all(_summary(record).endswith("(to use it: pip install 'qbench-vlm[openvino]')") for record in records)
    plugin = Plugin(name="openvino", module="qbench_openvino", distribution="qbench-vlm", version="1")
    registry = Registry(plugins=[plugin])
    registry.entries["qbench_quantizers"] += [Entry(plugin=plugin, record=record) for record in records]
    with pytest.raises(InputError, match=r"'ov-fp16' needs packages(.|\n)*pip install 'qbench-vlm\[openvino\]'"):
        plan_quantizer(QuantizerSpec(name="ov-fp16"), "cpu", registry)
