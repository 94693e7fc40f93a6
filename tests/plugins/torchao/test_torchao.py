"""What the contract cannot see: bits, shapes that do not fit, machines that do not fit, and settings that must stay."""

import shutil

import numpy as np
import pytest

from qbench.api import Context, QuantizationError
from qbench.plugins.registry import Entry, Plugin, Registry

torch = pytest.importorskip("torch")
pytest.importorskip("torchao", reason="the extra torchao is not installed")


@pytest.fixture
def build(small_clip, open_clip_source):
    from qbench_torchao import qbench_quantizers

    records = {record.name: record for record in qbench_quantizers()}

    def build_(name, device="cpu", folder=small_clip, **options):
        record = records[name]
        return record.build(open_clip_source(folder), Context(device=device), record.options(**options))

    return build_


def bits(variant):
    return {layer.bits for layer in variant.coverage.layers if layer.quantized}


def test_bits_are_those_that_a_packed_weight_would_take_and_bytes_are_those_that_are_held(build):
    two, eight = (build("ao-intx", bits=n, group=16) for n in (2, 8))
    assert bits(two) == {2 + (32 + 8) / 16}  # a float32 scale and an int8 zero point per group
    assert bits(eight) == {8 + (32 + 8) / 16}
    assert two.coverage.model_bytes == eight.coverage.model_bytes


def test_packed_int4_takes_four_bits_and_its_error_is_that_of_the_weights(build, wide_clip):
    coverage = build("ao-int4", folder=wide_clip, group=32).coverage
    assert {layer.bits for layer in coverage.layers} == {4 + 2 * 16 / 32}  # a scale and a zero point in bfloat16
    assert {layer.kind for layer in coverage.layers} == {"Int4OpaqueTensor"}
    assert all(0.04 < layer.error < 0.12 for layer in coverage.layers)


def test_layers_whose_shape_does_not_fit_are_left_out_with_the_reason(build, wide_clip):
    layers = build("ao-intx", group=128).coverage.layers
    left = {layer.name: layer.reason for layer in layers if not layer.quantized}
    assert left["visual_projection"] == "64 inputs are not a multiple of group = 128"
    assert "vision_model.encoder.layers.0.mlp.fc2" not in left  # it has 128
    with pytest.raises(QuantizationError, match="none of the model's"):
        build("ao-intx", group=48)


def test_a_matrix_with_an_output_of_zeros_is_left_out_of_float8_which_would_make_nan_of_it(small_clip, build, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "zeros"
    shutil.copytree(small_clip, folder)
    weights = load_file(folder / "model.safetensors")
    weights["text_projection.weight"][3] = 0
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    variant = build("ao-float8wo", folder=folder)
    left = {layer.name: layer.reason for layer in variant.coverage.layers if not layer.quantized}
    assert left == {"text_projection": "an output has no weight but zero, of which float8 in torchao makes NaN"}
    assert np.isfinite(variant.encoder.encode_texts(["a cat"])).all()


@pytest.mark.parametrize(("name", "found", "needed"), [("ao-float8dq", (8, 6), r"8\.9"), ("ao-int4", (7, 5), r"8\.0")])
def test_a_gpu_without_the_kernels_is_refused_before_the_weights_are_loaded(build, monkeypatch, name, found, needed):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: found)
    with pytest.raises(QuantizationError, match=rf"{name} needs a GPU of compute capability {needed} or higher"):
        build(name, device="cuda")


def test_float8_products_are_asked_for_weights_in_bfloat16():
    """torchao refuses rows in any other type: it asserts bfloat16."""
    from qbench_torchao.options import Int4Options, ProductOptions, TorchaoOptions

    assert [kind().other_dtype for kind in (ProductOptions, Int4Options, TorchaoOptions)] == [
        *("bfloat16", "bfloat16", "float32")
    ]


@pytest.mark.parametrize("name", ["ao-int8wo", "ao-int8dq", "ao-float8wo", "ao-int4"])
def test_settings_of_torch_stay_as_they_are(build, wide_clip, monkeypatch, name):
    """torchao's own choice would change them for the whole process, so that the next variant computes other numbers."""
    from torchao.quantization import quant_api, utils

    def changed():
        pytest.fail("torchao changed settings of torch")

    monkeypatch.setattr(utils, "recommended_inductor_config_setter", changed)
    monkeypatch.setattr(quant_api.torchao.quantization.utils, "recommended_inductor_config_setter", changed)
    before = torch.get_float32_matmul_precision()
    build(name, folder=wide_clip)
    assert torch.get_float32_matmul_precision() == before


def test_values_without_a_meaning_are_refused():
    from qbench_torchao.options import IntxOptions

    for wrong in ({"bits": 0}, {"bits": 9}, {"group": 0}):
        with pytest.raises(ValueError, match="must be"):
            IntxOptions(**wrong)


def test_without_the_extra_they_are_listed_and_refused(monkeypatch):
    import qbench_torchao
    from qbench.api import InputError
    from qbench.cli.listing import _summary
    from qbench.execution.plan import plan_quantizer
    from qbench.spec.model import QuantizerSpec

    monkeypatch.setattr(qbench_torchao, "find_spec", lambda package: None)
    records = list(qbench_torchao.qbench_quantizers())
    assert all(_summary(record).endswith("(to use it: pip install 'qbench-vlm[torchao]')") for record in records)
    plugin = Plugin(name="torchao", module="qbench_torchao", distribution="qbench-vlm", version="1")
    registry = Registry(plugins=[plugin])
    registry.entries["qbench_quantizers"] += [Entry(plugin=plugin, record=record) for record in records]
    with pytest.raises(InputError, match=r"'ao-int8dq' needs packages(.|\n)*pip install 'qbench-vlm\[torchao\]'"):
        plan_quantizer(QuantizerSpec(name="ao-int8dq"), "cpu", registry)
