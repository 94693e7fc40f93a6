"""What the contract cannot see in a graph: weights, scope, calibration; and that it computes what torch computes."""

import os
import shutil
import subprocess
import sys

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

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")


@pytest.fixture
def checkpoint(small_clip, open_clip_source):
    return open_clip_source(small_clip)


@pytest.fixture
def drawn(tmp_path):
    """Calibration data: eight images and five texts, or without texts."""

    def make(**changes):
        spec = CalibrationSpec.model_validate(tiny.write_calibration(tmp_path / "calibration") | changes)
        return prepare_calibration(plan_calibration(spec, Registry()), Cache(), workers=1)

    return make


@pytest.fixture
def build(checkpoint, drawn):
    from qbench_onnx import qbench_quantizers

    records = {record.name: record for record in qbench_quantizers()}

    def build_(name, calibration=None, **options):
        record = records[name]
        data = (calibration or drawn()) if record.calibrates else None
        return record.build(checkpoint, Context(device="cpu", calibration=data), record.options(**options))

    return build_


@pytest.fixture
def exports(monkeypatch):
    """The towers that were exported, in order."""
    import torch

    done, original = [], torch.onnx.export
    monkeypatch.setattr(
        torch.onnx, "export", lambda module, *a, **k: done.append(module.tower) or original(module, *a, **k)
    )
    return done


def linears(checkpoint):
    import torch

    model = checkpoint.load(device="cpu", dtype="float32").module
    return {n: m.weight.detach().numpy() for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}


# --- the graphs


def test_towers_are_exported_once_for_all_quantizers(build, exports):
    build("ort-fp32")  # other tests may have exported them
    exports.clear()
    build("ort-fp16")
    build("ort-int8-dynamic", per_channel=True)
    assert exports == []


def test_graphs_are_stored_for_the_weights_that_were_loaded_and_checked_when_they_are_used(
    checkpoint, tmp_path, monkeypatch
):
    from qbench_onnx import export

    written = []

    def write(checkpoint, encoder, folder):
        written.append(folder)
        (folder / "image.onnx").write_bytes(b"the graph")

    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(export, "_write", write)
    encoder = checkpoint.load(device="cpu", dtype="float32")
    first = export.exported(checkpoint, encoder)
    assert export.exported(checkpoint, encoder) == first
    assert len(written) == 1
    graph, stat = first / "image.onnx", (first / "image.onnx").stat()
    graph.write_bytes(b"the gr`ph")  # one bit, and the file keeps its size and its time
    os.utime(graph, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert export.exported(checkpoint, encoder) == first
    assert (len(written), graph.read_bytes()) == (2, b"the graph")
    next(encoder.module.parameters()).data.view(-1)[0] += 1  # files that were replaced between opening and loading
    assert export.exported(checkpoint, encoder) != first


@pytest.mark.parametrize(
    ("name", "options", "top"),
    [
        ("ort-int8-dynamic", {}, 127),
        ("ort-int8-dynamic", {"per_channel": True}, 127),
        ("ort-int8-dynamic", {"reduce_range": True}, 64),
        ("ort-int8-static", {"per_channel": True}, 127),
    ],
)
def test_the_coverage_is_that_of_the_weights(build, checkpoint, name, options, top):
    coverage = build(name, **options).coverage
    weights = linears(checkpoint)
    assert sorted(layer.name for layer in coverage.layers) == sorted(weights)
    for layer in coverage.layers:
        weight = weights[layer.name].astype(np.float64)
        scale = np.abs(weight).max(axis=1 if options.get("per_channel") else None, keepdims=True) / top
        error = np.linalg.norm(np.round(weight / scale) * scale - weight) / np.linalg.norm(weight)
        assert layer.error == pytest.approx(error, rel=0.02), layer.name
        assert layer.quantized
        assert 8 < layer.bits < 9
        assert layer.tower == ("text" if layer.name.startswith("text") else "image")
    assert coverage.model_bytes < build("ort-fp32").coverage.model_bytes / 2


def test_towers_and_layers_can_be_left_out(build, checkpoint):
    layers = {x.name: x for x in build("ort-int8-dynamic", towers="image", skip=("*.fc2",)).coverage.layers}
    reasons = {name: layer.reason for name, layer in layers.items()}
    assert reasons["vision_model.encoder.layers.0.mlp.fc1"] == ""
    assert reasons["vision_model.encoder.layers.0.mlp.fc2"] == "skip = *.fc2"
    assert reasons["text_model.encoder.layers.0.mlp.fc2"] == "towers = image"
    assert {layer.quantized for layer in layers.values() if layer.reason} == {False}
    assert layers["visual_projection"].quantized


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skip": ("*.nothing",)}, r"the pattern '\*.nothing' matches none"),
        ({"skip": ("*",)}, "leave no layer"),
        ({"provider": "NoExecutionProvider"}, "does not have the execution provider 'NoExecutionProvider'"),
    ],
)
def test_options_that_cannot_be_met_are_refused(build, options, message):
    with pytest.raises(InputError, match=message):
        build("ort-int8-dynamic", **options)


@pytest.mark.parametrize("options", [{"threads": -1}, {"percentile": 50.0}, {"percentile": 101.0}])
def test_values_without_a_meaning_are_refused(options):
    from qbench_onnx.options import StaticOptions

    with pytest.raises(ValueError, match="must be"):
        StaticOptions(**options)


# --- the runtime computes what torch computes


def test_single_precision_is_compared_with_torch_once_per_batch(build, checkpoint, monkeypatch):
    import qbench_onnx.towers

    asked, original = [], qbench_onnx.towers.features
    monkeypatch.setattr(qbench_onnx.towers, "features", lambda *a: asked.append(a[1]) or original(*a))
    variant, pixels = build("ort-fp32", threads=1), tiny.pixels()
    wanted = embed(checkpoint.load(device="cpu", dtype="float32"), pixels)
    asked.clear()
    for _ in range(2):
        found = embed(variant.encoder, pixels)
    assert asked == ["image", "text"]
    assert max(distance(a, b) for a, b in zip(wanted, found, strict=True)) < 1e-5


def test_a_graph_that_computes_something_else_is_an_error_that_names_the_tower(build, tmp_path, monkeypatch):
    import qbench_onnx.build

    original = qbench_onnx.build.exported

    def damaged(*arguments):
        folder = shutil.copytree(original(*arguments), tmp_path / "graphs")
        model = onnx.load(folder / "text.onnx")
        (weights,) = (x for x in model.graph.initializer if x.name == "text_projection.weight")
        weights.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights)[::-1].copy(), weights.name))
        onnx.save(model, folder / "text.onnx")
        return folder

    monkeypatch.setattr(qbench_onnx.build, "exported", damaged)
    encoder = build("ort-fp32").encoder
    encoder.encode_images(tiny.pixels())
    with pytest.raises(QuantizationError, match=r"the text tower in ONNX .* cosine of their embeddings is -?0\.\d+"):
        encoder.encode_texts(["a photo of a cat"])


def test_an_encoder_without_towers_is_refused(checkpoint, build, monkeypatch):
    import torch

    encoder = checkpoint.load(device="cpu", dtype="float32")
    encoder.module = torch.nn.Linear(2, 2)
    monkeypatch.setattr(type(checkpoint), "load", lambda self, **how: encoder)
    with pytest.raises(QuantizationError, match="a Linear has no get_image_features"):
        build("ort-fp32")


# --- calibration


def test_the_method_decides_the_ranges(build, monkeypatch):
    import qbench_onnx.calibration

    # In one batch, ONNX Runtime's 128 bins leave nothing for the method "entropy" to choose from.
    monkeypatch.setattr(qbench_onnx.calibration, "CALIBRATED_AT_ONCE", 2)
    pixels = tiny.pixels()
    found = {
        name: embed(build("ort-int8-static", towers="image", **options).encoder, pixels)[0]
        for name, options in {
            "minmax": {},
            "entropy": {"method": "entropy"},
            "percentile": {"method": "percentile", "percentile": 60.0},
        }.items()
    }
    exact = embed(build("ort-fp32").encoder, pixels)[0]
    errors = {name: distance(exact, embeddings) for name, embeddings in found.items()}
    assert len(set(errors.values())) == 3
    assert errors["percentile"] > 2 * errors["minmax"]  # two fifths of the activations are clipped


def test_without_texts_only_the_image_tower_can_be_calibrated(build, drawn):
    with pytest.raises(InputError, match="no texts"):
        build("ort-int8-static", calibration=drawn(texts=""))
    share = build("ort-int8-static", calibration=drawn(texts=""), towers="image").coverage.share
    assert (share("image"), share("text")) == (1, 0)


# --- without the extra


def test_without_the_extra_the_quantizers_are_listed_and_refused(monkeypatch):
    import qbench_onnx
    from qbench.cli.listing import _summary

    monkeypatch.setattr(qbench_onnx, "find_spec", lambda package: None)
    records = list(qbench_onnx.qbench_quantizers())
    assert all(_summary(record).endswith("(to use it: pip install 'qbench-vlm[onnx]')") for record in records)
    plugin = Plugin(name="onnx", module="qbench_onnx", distribution="qbench-vlm", version="1")
    registry = Registry(plugins=[plugin])
    registry.entries["qbench_quantizers"] += [Entry(plugin=plugin, record=record) for record in records]
    with pytest.raises(InputError, match=r"'ort-fp16' needs packages(.|\n)*pip install 'qbench-vlm\[onnx\]'"):
        plan_quantizer(QuantizerSpec(name="ort-fp16"), "cpu", registry)


# --- nothing is sent


def test_the_telemetry_of_onnx_runtime_is_off(tmp_path):
    """Where it is on, ONNX Runtime writes an ID of the machine and a queue of events into the user's cache folder."""
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy")
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [x], [y]), ir_version=10)
    onnx.save(model, tmp_path / "g.onnx")
    code = f"import qbench_onnx, onnxruntime; onnxruntime.InferenceSession({str(tmp_path / 'g.onnx')!r})"
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment | {"HOME": str(home)})
    assert list(home.rglob("*onnxruntime*")) == []
