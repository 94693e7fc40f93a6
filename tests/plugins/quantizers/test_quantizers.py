"""Each quantizer does what it says, beyond the contract that all keep to (`test_contract.py`)."""

import numpy as np
import pytest
import torch

from qbench.api import QuantizationError, tower_of
from qbench.plugins.registry import installed
from qbench_quantizers.bitsandbytes_layers import BFLOAT16_NOTE, runs_in_bfloat16
from qbench_quantizers.coverage import measure_coverage
from qbench_quantizers.options import Int4Options, Int8Options, PruneOptions
from qbench_quantizers.prune import two_of_four

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
TEXTS = ["a cat", "a dog", "a red car"]
QUANTIZED = ["hf-int8", "hf-int4", "torch-int8"]
LINEARS = 2 * 2 * 6 + 2
COMPUTED_IN = "the products of the 4 bit layers are computed in {}"


def cosine(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("name", ["fp32", "fp16", "bf16"])
def test_controls_quantize_nothing_and_cast_everything(build, name):
    variant = build(name)
    assert variant.coverage.share() == 0
    assert {layer.bits for layer in variant.coverage.layers} == {installed().quantizer(name).record.bits}
    assert len(variant.coverage.layers) == LINEARS


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_quantized_model_is_near_the_baseline_and_not_equal(build, name):
    base, variant = build("fp32").encoder, build(name).encoder
    for run in (lambda e: e.encode_images(PIXELS), lambda e: e.encode_texts(TEXTS)):
        similar = cosine(run(base), run(variant))
        assert similar.min() > 0.9
        assert similar.min() < 1 - 1e-7


def test_transformers_leaves_out_the_text_projection_only(build):
    for name in ("hf-int8", "hf-int4"):
        coverage = build(name).coverage
        assert [layer.name for layer in coverage.layers if not layer.quantized] == ["text_projection"]
        assert coverage.share("image") == 1
        assert coverage.share("text") < 1
    assert build("torch-int8").coverage.share() == 1


def test_bits_are_counted_from_the_bytes_held(build):
    def bits(name, **options):
        return {layer.bits for layer in build(name, **options).coverage.layers if layer.quantized}

    assert bits("torch-int8") == {8}
    assert bits("hf-int8") == {8 + 32 / 64, 8 + 32 / 128}  # a float a row of 64 or 128 inputs
    assert bits("hf-int4") == {4 + 32 / 64}  # a float a block of 64
    assert all(4 < b < 4.5 for b in bits("hf-int4", double_quant=True))


def test_the_bytes_of_a_model_shrink_and_its_parameters_do_not(build):
    coverages = {name: build(name).coverage for name in ("fp32", "fp16", "hf-int8", "hf-int4", "torch-int8")}
    assert len({c.total_parameters for c in coverages.values()}) == 1
    size = {name: c.model_bytes for name, c in coverages.items()}
    assert size["hf-int4"] < size["torch-int8"] < size["hf-int8"] < size["fp32"]
    assert size["fp16"] < 0.51 * size["fp32"]


def test_options_change_the_variant(build):
    nf4 = build("hf-int4").encoder.encode_images(PIXELS)
    for options in (
        {"quant_type": "fp4"},
        {"double_quant": True},
        {"block_size": 32},
    ):
        assert not np.array_equal(nf4, build("hf-int4", **options).encoder.encode_images(PIXELS))


def test_the_type_of_the_products_is_the_one_that_is_named_in_the_note(build):
    """On a CPU with AVX512-BF16 the library computes in bfloat16 whatever is asked for; the note has to say so."""
    variants = [build("hf-int4", compute_dtype=name) for name in ("float32", "bfloat16")]
    same = np.array_equal(*(variant.encoder.encode_images(PIXELS) for variant in variants))
    assert same == runs_in_bfloat16()
    assert [BFLOAT16_NOTE in variant.note for variant in variants] == [same, same]


def test_the_type_of_what_is_left_out_is_what_was_asked_for(build):
    variant = build("hf-int8", dtype="bfloat16")
    assert variant.dtype == "bfloat16"
    assert variant.encoder.module.text_projection.weight.dtype == torch.bfloat16


def test_a_width_that_four_bit_cannot_do_is_named(build, odd_clip):
    with pytest.raises(
        QuantizationError, match=r"the layer .*k_proj has 96 inputs; blocks of 64 on a CPU need a multiple of 64"
    ):
        build("hf-int4", folder=odd_clip)


@pytest.mark.parametrize("block_size", [32, 64])
@pytest.mark.parametrize("double_quant", [False, True])
def test_the_weights_of_a_block_size_are_those_of_the_library(build, original, block_size, double_quant):
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    module = build("hf-int4", block_size=block_size, double_quant=double_quant).encoder.module
    mine = module.visual_projection.weight
    assert mine.quant_state.blocksize == block_size
    weight, state = quantize_4bit(
        original["visual_projection.weight"],
        blocksize=block_size,
        compress_statistics=double_quant,
        quant_type="nf4",
    )
    assert torch.equal(dequantize_4bit(mine.data, mine.quant_state), dequantize_4bit(weight, state))


def test_smaller_blocks_are_nearer_and_cost_more_bits(build):
    layers = {size: build("hf-int4", block_size=size).coverage.layers for size in (32, 64)}
    bits, error = (
        {s: np.mean([getattr(x, a) for x in layers[s] if x.quantized]) for s in layers} for a in ("bits", "error")
    )
    assert (bits[32], bits[64]) == (5, 4.5)
    assert error[32] < error[64]


def test_blocks_of_the_default_size_are_what_transformers_makes_alone(build, tiny_clip):
    from transformers import BitsAndBytesConfig, CLIPModel

    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    theirs = CLIPModel.from_pretrained(tiny_clip, dtype=torch.float32, quantization_config=config, device_map="cpu")
    mine = build("hf-int4").encoder.module
    assert mine.config.quantization_config.to_dict() == {
        **theirs.config.quantization_config.to_dict(),
        "llm_int8_skip_modules": mine.config.quantization_config.llm_int8_skip_modules,
    }
    wanted = theirs.state_dict()
    for name, tensor in mine.state_dict().items():
        assert torch.equal(tensor, wanted[name]), name


def test_a_block_that_does_not_fit_is_named(build):
    with pytest.raises(QuantizationError, match="64 inputs; blocks of 128 on a CPU need a multiple of 128"):
        build("hf-int4", block_size=128)


def test_nothing_quantized_is_an_error():
    with pytest.raises(QuantizationError, match="none of the model's 1 Linear layers"):
        measure_coverage(torch.nn.Sequential(torch.nn.Linear(2, 2)), reason="")


def test_dynamic_quantization_is_not_batch_invariant(build):
    assert not installed().quantizer("torch-int8").record.batch_invariant
    encoder = build("torch-int8").encoder
    together, alone = encoder.encode_images(PIXELS), np.concatenate([encoder.encode_images(p[None]) for p in PIXELS])
    assert np.abs(together - alone).max() > 1e-4


def test_towers_are_told_by_name():
    names = ("vision_model.x", "visual_projection", "text_model.y", "text_projection", "fusion.z")
    assert [tower_of(n) for n in names] == ["image", "image", "text", "text", "shared"]


def test_options_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="threshold"):
        Int8Options(threshold=-1)
    for sparsity in (0, 1):
        with pytest.raises(ValueError, match="sparsity"):
            PruneOptions(sparsity=sparsity)
    assert Int4Options().quant_type == "nf4"


@pytest.mark.parametrize(
    ("name", "options", "control", "note"),
    [
        ("fp16", {}, "", ""),
        ("hf-int8", {}, "fp32", "LLM.int8() casts its inputs to float16 inside the product"),
        ("hf-int8", {"dtype": "float16"}, "fp16", ""),
        ("torch-int8", {}, "fp32", ""),
        ("prune-magnitude", {}, "fp32", ""),
    ],
)
def test_the_matching_control_and_what_it_does_not_match(build, name, options, control, note):
    variant = build(name, **options)
    assert (variant.control, variant.note) == (control, note)


@pytest.mark.parametrize(
    ("options", "control", "note", "note_in_bfloat16"),
    [
        ({}, "fp32", "", BFLOAT16_NOTE),
        ({"compute_dtype": "bfloat16"}, "fp32", COMPUTED_IN.format("bfloat16"), BFLOAT16_NOTE),
        ({"dtype": "bfloat16"}, "bf16", COMPUTED_IN.format("float32"), ""),
        ({"dtype": "float16"}, "fp16", COMPUTED_IN.format("float32"), BFLOAT16_NOTE),
        ({"dtype": "float16", "compute_dtype": "float16"}, "fp16", "", BFLOAT16_NOTE),
    ],
)
@pytest.mark.parametrize("avx512_bf16", [False, True])
def test_the_note_of_four_bit_says_what_this_cpu_does(
    build, monkeypatch, options, control, note, note_in_bfloat16, avx512_bf16
):
    monkeypatch.setattr("qbench_quantizers.bitsandbytes_layers.runs_in_bfloat16", lambda: avx512_bf16)
    variant = build("hf-int4", **options)
    assert (variant.control, variant.note) == (control, note_in_bfloat16 if avx512_bf16 else note)


def test_two_of_every_four_weights_of_a_row_are_the_largest_and_the_others_zero(build):
    base, variant = (
        dict(build(name, **options).encoder.module.named_modules())
        for name, options in (("fp32", {}), ("prune-magnitude", {"pattern": "2:4", "towers": "image"}))
    )
    layer = "vision_model.encoder.layers.0.mlp.fc1"
    whole, pruned = (layers[layer].weight.detach().reshape(-1, 4) for layers in (base, variant))
    assert (pruned != 0).sum(1).eq(2).all()
    assert torch.where(pruned != 0, pruned, whole).equal(whole)
    assert (whole.abs().topk(2).values.sum(1) - pruned.abs().sum(1)).abs().max() < 1e-6
    text = "text_model.encoder.layers.0.mlp.fc1"
    assert base[text].weight.equal(variant[text].weight)


def test_the_pattern_and_its_sparsity_are_in_the_coverage_and_belong_together(build):
    layers = build("prune-magnitude", pattern="2:4").coverage.layers
    assert all((layer.quantized, layer.sparsity, layer.bits) == (True, 0.5, 32) for layer in layers)
    with pytest.raises(ValueError, match=r"the pattern 2:4 has a sparsity of 0\.5, not 0\.7"):
        PruneOptions(pattern="2:4", sparsity=0.7)
    with pytest.raises(QuantizationError, match="needs a multiple of four inputs, and the layer fc1 has 6"):
        two_of_four(torch.ones(2, 6), "fc1")
