"""A scope changes the layers that it names, and no other."""

import numpy as np
import pytest
import torch
from torch import nn

from qbench.api import Context, InputError, QuantizationError
from qbench.api.quantizers import CONTROL_ARMS, LayerOptions
from qbench.execution.ablation import parts_of
from qbench.models.heads import attentions_of
from qbench.plugins.registry import installed
from qbench_quantizers.bitsandbytes_layers import LEFT_OUT, _library_list
from qbench_quantizers.options import Int8Options, ScopeOptions
from qbench_quantizers.scope import resolve

METHODS = ["hf-int8", "hf-int4", "torch-int8", "prune-magnitude"]
PROJECTIONS = {"text_projection", "visual_projection"}


def quantized(variant):
    return {layer.name for layer in variant.coverage.layers if layer.quantized}


def left_out(variant):
    return {layer.name: layer.reason for layer in variant.coverage.layers if not layer.quantized}


@pytest.mark.parametrize("name", METHODS)
def test_one_tower_alone_leaves_the_other_bit_for_bit(build, embed, name):
    images, texts = embed(build("fp32"))
    for tower, other in (("image", "text"), ("text", "image")):
        variant = build(name, towers=tower)
        assert variant.coverage.share(other) == 0
        assert variant.coverage.share(tower) > 0.9
        mine = embed(variant)
        assert np.array_equal(images, mine[0]) == (tower == "text")
        assert np.array_equal(texts, mine[1]) == (tower == "image")


@pytest.mark.parametrize("name", METHODS)
def test_layers_are_left_out_by_pattern(build, name):
    variant = build(name, skip=("*.fc2", "vision_model.encoder.layers.1.*"))
    left = left_out(variant)
    assert left["text_model.encoder.layers.0.mlp.fc2"] == "skip = *.fc2"
    assert left["vision_model.encoder.layers.1.self_attn.q_proj"] == "skip = vision_model.encoder.layers.1.*"
    theirs = {"text_projection"} if name.startswith("hf") else set()
    assert {n for n in left if not n.endswith("fc2") and "layers.1" not in n} == theirs
    assert not [n for n in quantized(variant) if n.endswith("fc2") or n.startswith("vision_model.encoder.layers.1.")]


@pytest.mark.parametrize("name", METHODS)
def test_only_the_layers_that_are_named_are_changed(build, name):
    variant = build(name, only=("text_model.encoder.layers.1.*",), skip=("*.fc2",))
    assert len(quantized(variant)) == 5
    assert all(n.startswith("text_model.encoder.layers.1.") and not n.endswith("fc2") for n in quantized(variant))
    assert left_out(variant)["text_model.encoder.layers.0.mlp.fc1"] == "not in only"


@pytest.mark.parametrize(("name", "dtype"), [("hf-int8", "float16"), ("hf-int4", "float16"), ("hf-int4", "bfloat16")])
def test_a_tower_that_is_left_alone_gives_the_answers_of_the_control_arm_of_its_type(build, embed, name, dtype):
    images, texts = embed(build(CONTROL_ARMS[dtype]))
    assert np.array_equal(embed(build(name, only=("text_model.*",), dtype=dtype))[0], images)
    assert np.array_equal(embed(build(name, only=("vision_model.*",), dtype=dtype))[1], texts)


@pytest.mark.parametrize("name", METHODS)
def test_both_projections_or_neither(build, name):
    assert quantized(build(name, projections="both")) >= PROJECTIONS
    assert not quantized(build(name, projections="none")) & PROJECTIONS
    expected = {"visual_projection"} if name.startswith("hf") else PROJECTIONS
    assert quantized(build(name)) & PROJECTIONS == expected


def test_skipping_by_name_does_not_drop_what_the_library_leaves_out(build):
    left = left_out(build("hf-int8", skip=("visual_projection",)))
    assert left == {"visual_projection": "skip = visual_projection", "text_projection": "left out by transformers"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skip": ("*.fc3",)}, "the pattern '\\*.fc3' matches none of the model's 26 Linear layers"),
        ({"skip": ("*",)}, "leave no layer to quantize"),
    ],
)
@pytest.mark.parametrize("name", METHODS)
def test_options_that_name_nothing_are_refused(build, name, options, message):
    with pytest.raises(InputError, match=message):
        build(name, **options)


def test_a_model_without_projections_has_none_to_leave_out():
    with pytest.raises(InputError, match="no projection"):
        resolve(nn.Sequential(nn.Linear(2, 2)), ScopeOptions(projections="none"))


def test_a_subclass_of_linear_is_never_wanted():
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.MultiheadAttention(2, 1)})
    scope = resolve(model, ScopeOptions())
    assert scope.wanted == {"a"}
    assert "NonDynamicallyQuantizableLinear" in scope.reasons["b.out_proj"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"a"}, "b was not quantized though it should be"), ({"a", "b", "c"}, "c was quantized though it should not")],
)
def test_a_library_that_does_not_keep_to_the_scope_is_an_error(changed, message):
    scope = resolve(nn.ModuleDict({n: nn.Linear(2, 2) for n in "abc"}), ScopeOptions(skip=("c",)))
    scope.check({"a", "b"})
    with pytest.raises(QuantizationError, match=message):
        scope.check(changed)


def test_a_name_that_is_the_end_of_another_is_no_accident(build, monkeypatch):
    # transformers leaves out whatever *ends* with a name that it is given; here that name is made too short.
    from qbench_quantizers import bitsandbytes_layers

    def short(model, options, *, library):
        scope = resolve(model, options, library=library)
        return type(scope)(wanted=scope.wanted, reasons={"fc2": "short", **scope.reasons})

    monkeypatch.setattr(bitsandbytes_layers, "resolve", short)
    with pytest.raises(QuantizationError, match=r"fc2 \(and 3 more layers\) was not quantized though it should be"):
        build("hf-int8")


class Opaque:
    """A checkpoint that offers only what it has to."""

    def __init__(self, checkpoint):
        self._checkpoint = checkpoint
        self.identity, self.preprocessing = checkpoint.identity, checkpoint.preprocessing

    def load(self, **how):
        return self._checkpoint.load(**how)


def test_a_source_that_cannot_show_its_layers_takes_the_librarys_choice_only(tiny_clip, open_clip_source):
    record, checkpoint = installed().quantizer("hf-int8").record, Opaque(open_clip_source(tiny_clip))
    variant = record.build(checkpoint, Context(device="cpu"), Int8Options())
    assert set(left_out(variant)) == {"text_projection"}
    assert {layer.error for layer in variant.coverage.layers} == {None}
    assert variant.coverage.disk_bytes is None
    assert variant.save is None
    with pytest.raises(QuantizationError, match="cannot show its layers"):
        record.build(checkpoint, Context(device="cpu"), Int8Options(towers="image"))


def test_one_scale_a_row_is_finer_than_one_a_tensor(build):
    tensor, row = (build("torch-int8", per_channel=p) for p in (False, True))
    for a, b in zip(tensor.coverage.layers, row.coverage.layers, strict=True):
        assert b.error < a.error
        assert (a.bits, b.bits) == (8, 8 + (64 + 64) / (64 if "fc2" not in a.name else 128))
    weight = dict(row.encoder.module.named_modules())["visual_projection"].weight()
    assert weight.qscheme() == torch.per_channel_affine


def test_an_ablation_of_a_vit_b_32_has_24_blocks_144_layers_in_them_and_240_heads():
    """As docs/ablation.md says; transformers quantizes the projection of the image tower too."""
    from transformers import CLIPConfig, CLIPModel

    with torch.device("meta"):
        model = CLIPModel(CLIPConfig())  # whose defaults are those of a ViT-B/32
    left_to_the_library = dict.fromkeys(_library_list(model), LEFT_OUT)
    wanted = resolve(model, Int8Options(), library=left_to_the_library).wanted
    layers = [name for name, _ in model.named_modules() if name in wanted]
    for by, number in (("block", 24), ("layer", 144)):
        *parts, last = sorted(parts_of(layers, by), key=lambda part: part.name == "visual_projection")
        assert (len(parts), last.name) == (number, "visual_projection")
        towers = [LayerOptions(only=part.patterns).changed_towers for part in parts]
        assert towers.count({"image"}) == towers.count({"text"}) == number // 2
    assert sum(attention.heads for attention in attentions_of(model).values()) == 240
