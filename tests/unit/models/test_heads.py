"""Attention heads: where they are, and variants in which only one of them is quantized."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qbench.api import Context, Coverage, InputError, Layer, LayerOptions, QuantizationError, Variant
from qbench.models.heads import attentions_of, build_variant
from qbench.models.torch_module import torch_module

MODULE = "vision_model.encoder.layers.0.self_attn"


class Encoder:
    """A torch model as an encoder."""

    def __init__(self, module):
        self.module, self.closed = module, False

    def close(self):
        self.closed = True


class Checkpoint:
    """A model with one attention of three heads of width 2, and a layer beside it."""

    def load(self, *, device, dtype):
        import torch
        from torch import nn

        torch.manual_seed(0)
        attention = nn.Module()
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            attention.add_module(name, nn.Linear(6, 6))
        attention.num_heads = 3
        model = nn.Module()
        place = model
        for name in MODULE.split(".")[:-1]:
            place.add_module(name, nn.Module())
            place = place.get_submodule(name)
        place.add_module("self_attn", attention)
        place.add_module("fc1", nn.Linear(6, 6))
        return Encoder(model)


def ruined(checkpoint, context, options, dtype="float32"):
    """All chosen layers at 4 bits: zero."""
    encoder = checkpoint.load(device="cpu", dtype="float32")
    linears = {name: m for name, m in torch_module(encoder).named_modules() if hasattr(m, "in_features")}
    left_out = options.left_out(linears)
    for name, module in linears.items():
        if name not in left_out:
            module.weight.data.zero_()
    layers = tuple(
        Layer(name=n, tower="image", kind="L", parameters=36, quantized=n not in left_out, bits=4) for n in linears
    )
    coverage = Coverage(layers=layers, total_parameters=168, model_bytes=168)
    return Variant(encoder=encoder, coverage=coverage, dtype=dtype)


def test_only_the_slices_of_one_head_change_and_the_coverage_says_so():
    variant = build_variant(ruined, Checkpoint(), Context(device="cpu"), LayerOptions(only=(f"{MODULE}#1",)))
    before, after = (torch_module(x) for x in (Checkpoint().load(device="cpu", dtype="float32"), variant.encoder))
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        old, new = (model.get_submodule(f"{MODULE}.{name}") for model in (before, after))
        expected = old.weight.detach().clone()
        (expected[:, 2:4] if name == "out_proj" else expected[2:4]).zero_()
        assert new.weight.equal(expected), name
        assert new.bias.equal(old.bias)
    fc1 = MODULE.replace("self_attn", "fc1")
    assert after.get_submodule(fc1).weight.equal(before.get_submodule(fc1).weight)
    layers = {layer.name: layer for layer in variant.coverage.layers}
    assert not layers[fc1].quantized
    for name in ("q_proj", "out_proj"):
        layer = layers[f"{MODULE}.{name}"]
        assert layer.quantized
        assert layer.bits == pytest.approx(4 / 3 + 32 * 2 / 3)
        assert layer.sparsity == pytest.approx(1 / 3)
        assert 0 < layer.error < 1
    assert "not of activations" in variant.note


def test_all_heads_together_are_the_projections():
    heads = tuple(f"{MODULE}#{i}" for i in range(3))
    variant = build_variant(ruined, Checkpoint(), Context(device="cpu"), LayerOptions(only=heads))
    layers = {layer.name: layer for layer in variant.coverage.layers}
    assert layers[f"{MODULE}.v_proj"].bits == pytest.approx(4)
    assert layers[f"{MODULE}.v_proj"].sparsity == 1


def test_options_without_heads_build_as_ever():
    variant = build_variant(ruined, Checkpoint(), Context(device="cpu"), LayerOptions(only=("*.fc1",)))
    assert [layer.name for layer in variant.coverage.layers if layer.quantized] == [MODULE.replace("self_attn", "fc1")]


@pytest.mark.parametrize(
    ("only", "said"),
    [
        ((f"{MODULE}#3",), "heads 0 to 2"),
        ((f"{MODULE}#x",), "does not name a head"),
        ((f"{MODULE}#0", "*.fc1"), "together"),
        (("text_model.self_attn#0",), "matches none"),
    ],
)
def test_a_head_that_is_not_there_is_refused(only, said):
    with pytest.raises(InputError, match=said):
        build_variant(ruined, Checkpoint(), Context(device="cpu"), LayerOptions(only=only))


def test_a_method_that_keeps_the_other_layers_in_16_bit_is_refused():
    def half(checkpoint, context, options):
        return replace(ruined(checkpoint, context, options), dtype="float16")

    with pytest.raises(QuantizationError, match="float16"):
        build_variant(half, Checkpoint(), Context(device="cpu"), LayerOptions(only=(f"{MODULE}#0",)))


def test_an_attention_of_fused_or_shared_projections_has_no_heads():
    model = Checkpoint().load(device="cpu", dtype="float32").module
    assert list(attentions_of(model)) == [MODULE]
    attention = model.get_submodule(MODULE)
    attention.k_proj.out_features = 2  # grouped queries: fewer keys than queries
    assert attentions_of(model) == {}
    del attention.k_proj
    assert attentions_of(model) == {}
