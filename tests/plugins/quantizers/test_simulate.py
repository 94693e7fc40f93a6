"""`qbench.api.simulate`: a rule for one weight becomes a variant, and says what it did."""

import pytest
import torch

from qbench.api import Context, QuantizationError, simulate


@pytest.fixture
def simulated(tiny_clip, open_clip_source):
    return lambda rule: simulate(open_clip_source(tiny_clip), Context(device="cpu"), rule)


def test_what_the_rule_leaves_alone_stays_and_has_a_reason(simulated, original):
    variant = simulated(lambda name, weight: (weight.round(decimals=1), 5.5) if name.startswith("vision") else None)
    modules = dict(variant.encoder.module.named_modules())
    for layer in variant.coverage.layers:
        before, after = original[f"{layer.name}.weight"], modules[layer.name].weight.detach()
        if layer.name.startswith("vision"):
            assert layer.quantized
            assert (layer.bits, layer.reason, layer.tower) == (5.5, "", "image")
            assert torch.equal(after, before.round(decimals=1))
            assert layer.error == pytest.approx(float((after - before).norm() / before.norm()), rel=1e-4)
            assert layer.sparsity == pytest.approx(float((after == 0).float().mean()))
        else:
            assert torch.equal(after, before)
            assert (layer.quantized, layer.bits, layer.error) == (False, 32.0, 0.0)
            assert layer.reason == "left out by the rule"
    assert (variant.dtype, variant.control) == ("float32", "fp32")


def test_a_rule_that_changes_its_argument_changes_no_weight(simulated, original):
    def rule(name, weight):
        weight.zero_()
        return None if name != "text_projection" else (original["text_projection.weight"] * 2, 8.0)

    model = simulated(rule).encoder.module
    assert torch.equal(model.visual_projection.weight, original["visual_projection.weight"])
    assert torch.equal(model.text_projection.weight, original["text_projection.weight"] * 2)


def test_a_linear_layer_that_its_owner_reads_directly_is_left_alone_and_a_bare_matrix_is_not(attention):
    class Checkpoint:
        def load(self, **how):
            return type("E", (), {"module": attention})()

    layers = simulate(Checkpoint(), Context(device="cpu"), lambda n, w: (w * 0, 1.0)).coverage.layers
    assert [(x.name, x.kind, x.reason) for x in layers] == [
        ("vision_attention.out_proj", "NonDynamicallyQuantizableLinear", "a NonDynamicallyQuantizableLinear"),
        ("text_projection", "simulated Linear", ""),
        ("vision_attention.in_proj_weight", "simulated Parameter", ""),
    ]
    assert not attention["vision_attention"].in_proj_weight.any()
    assert attention["vision_attention"].out_proj.weight.any()


@pytest.fixture
def attention():
    """Attention of PyTorch's own, as SigLIP's head has it, and a plain layer."""
    return torch.nn.ModuleDict(
        {"vision_attention": torch.nn.MultiheadAttention(8, 2), "text_projection": torch.nn.Linear(8, 8)}
    )


def test_nothing_quantized_and_another_shape_are_errors(simulated):
    with pytest.raises(QuantizationError, match="none of the model's 26 Linear layers"):
        simulated(lambda name, weight: None)
    with pytest.raises(
        QuantizationError, match=r"the rule returned the shape \(1, 64\) for the \(64, 64\) weights of "
    ):
        simulated(lambda name, weight: (weight[:1], 4.0))


def test_an_encoder_without_a_torch_model_is_refused():
    class Exported:
        def load(self, **how):
            return object()

    with pytest.raises(QuantizationError, match="object has no torch model"):
        simulate(Exported(), Context(device="cpu"), lambda name, weight: None)
