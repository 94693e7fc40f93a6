"""Errors and zeros by layer, against computations that use none of the library's own functions."""

import math

import pytest
import torch

from qbench_quantizers.effective import effective_weight

NF4 = [  # Dettmers et al. 2023, appendix E
    *[-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635],
    *[-0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725],
    *[0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0],
]


def nf4(weight):
    blocks = weight.reshape(-1, 64)
    scale = blocks.abs().amax(1, keepdim=True)
    code = torch.tensor(NF4)
    nearest = ((blocks / scale)[..., None] - code).abs().argmin(-1)
    return (code[nearest] * scale).reshape(weight.shape)


def int8_rows(weight):
    weight = weight.half().float()  # bitsandbytes casts first
    scale = weight.abs().amax(1, keepdim=True) / 127
    return torch.round(weight / scale) * scale


def relative(a, b):
    return float((a - b).double().norm() / a.double().norm())


@pytest.mark.parametrize(
    ("name", "expected", "tolerance"),
    [
        ("hf-int4", nf4, 1e-4),
        ("hf-int8", int8_rows, 1e-4),
        ("fp16", lambda w: w.half().float(), 1e-9),
        ("bf16", lambda w: w.bfloat16().float(), 1e-9),
        ("fp32", lambda w: w, 0),
    ],
)
def test_the_error_of_every_layer(build, original, name, expected, tolerance):
    for layer in build(name).coverage.layers:
        weight = original[f"{layer.name}.weight"]
        if layer.quantized or not name.startswith("hf"):
            effective = expected(weight)
            assert layer.error == pytest.approx(relative(weight, effective), rel=tolerance), layer.name
            assert layer.sparsity == pytest.approx(float((effective == 0).float().mean()), abs=2e-3)
        else:
            assert layer.error == 0


def test_the_size_of_the_errors_is_what_the_formats_promise(build):
    def errors(name, **options):
        return [layer.error for layer in build(name, **options).coverage.layers if layer.quantized]

    assert all(0.08 < e < 0.10 for e in errors("hf-int4"))  # repacked by a first forward it would read 1.44
    assert all(0.10 < e < 0.14 for e in errors("hf-int4", quant_type="fp4"))
    assert all(e < 0.01 for e in errors("hf-int8") + errors("torch-int8", per_channel=True))
    assert max(errors("torch-int8")) < 0.02


def test_signal_to_noise_is_the_error_in_decibel(build):
    for layer in build("hf-int4").coverage.layers:
        if layer.quantized:
            assert layer.snr == pytest.approx(10 * math.log10(1 / layer.error**2))
        else:
            assert layer.snr is None  # no error, no ratio


def test_the_error_is_that_of_the_weights_that_run(build):
    """The product of a layer with the identity is its effective weight, whatever the library keeps inside."""
    for name, tolerance in (("hf-int4", 1e-2), ("torch-int8", 1e-2)):
        variant = build(name)
        layer = dict(variant.encoder.module.named_modules())["visual_projection"]
        effective = effective_weight(layer)
        with torch.inference_mode():
            ran = layer(torch.eye(64)).T
        assert relative(effective, ran) < tolerance


def test_repacked_weights_are_not_known_rather_than_wrong(build):
    layer = dict(build("hf-int4").encoder.module.named_modules())["visual_projection"]
    layer.weight.quant_state.packing_format_for_cpu = True
    assert effective_weight(layer) is None


def test_bytes_of_the_weight_file(build, tiny_clip):
    size = (tiny_clip / "model.safetensors").stat().st_size
    assert {build(name).coverage.disk_bytes for name in ("fp32", "hf-int4", "torch-int8")} == {size}
