"""A variant that is kept on disk is the same one when it comes back, and nothing quantizes it again."""

from dataclasses import replace

import numpy as np
import pytest

from qbench.api import Context, ModelError, QuantizationError
from qbench.plugins.registry import installed

SAVED = [
    ("hf-int8", {}),
    ("hf-int8", {"dtype": "bfloat16", "threshold": 1.0}),
    ("hf-int4", {}),
    ("hf-int4", {"quant_type": "fp4", "double_quant": True}),
    ("hf-int4", {"dtype": "float16", "compute_dtype": "float16"}),
    ("hf-int4", {"block_size": 32, "double_quant": True}),
    ("hf-int8", {"towers": "text", "skip": ("*.q_proj",), "projections": "both"}),
]


def table(variant):
    layers = variant.coverage.layers
    return [(x.name, x.kind, x.quantized, x.bits, x.parameters, x.sparsity) for x in layers]


@pytest.mark.parametrize(("name", "options"), SAVED)
def test_it_comes_back_bit_for_bit_with_its_coverage(build, embed, tmp_path, name, options):
    variant = build(name, **options)
    assert variant.save(tmp_path) == "stored"
    again = build("stored", folder=tmp_path)
    assert table(again) == table(variant)
    assert (again.dtype, again.control, again.note) == (variant.dtype, variant.control, variant.note)
    for mine, theirs in zip(embed(again), embed(variant), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_preprocessing_in_use_is_kept_and_not_the_folders(open_clip_source, tiny_clip, tmp_path):
    checkpoint = open_clip_source(tiny_clip)
    checkpoint.preprocessing = replace(checkpoint.preprocessing, mean=(0.1, 0.2, 0.3))
    record = installed().quantizer("hf-int8").record
    record.build(checkpoint, Context(device="cpu"), record.options()).save(tmp_path)
    assert open_clip_source(tmp_path).preprocessing == checkpoint.preprocessing


def test_a_second_copy_is_the_same_too(build, embed, tmp_path):
    first = build("hf-int4")
    first.save(tmp_path)
    np.testing.assert_array_equal(
        embed(build("stored", folder=tmp_path))[0], embed(build("stored", folder=tmp_path))[0]
    )


def test_a_pruned_model_comes_back_as_a_plain_one(build, embed, tmp_path):
    variant = build("prune-magnitude")
    assert variant.save(tmp_path) == "fp32"
    again = build("fp32", folder=tmp_path)
    assert [x.sparsity for x in again.coverage.layers] == [x.sparsity for x in variant.coverage.layers]
    for mine, theirs in zip(embed(again), embed(variant), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("name", ["fp32", "fp16", "bf16", "hf-int8", "hf-int4", "torch-int8", "prune-magnitude"])
def test_stored_weights_are_never_taken_for_plain_ones(build, tmp_path, name):
    build("hf-int4").save(tmp_path)
    with pytest.raises(ModelError, match=r"stored quantized \(bitsandbytes\)\nUse the quantizer \"stored\""):
        build(name, folder=tmp_path)


def test_plain_weights_are_not_taken_for_stored_ones(build):
    with pytest.raises(ModelError, match="not stored quantized"):
        build("stored")


def test_the_original_weights_of_a_stored_model_are_not_known(build, tmp_path):
    build("hf-int8").save(tmp_path)
    layers = build("stored", folder=tmp_path).coverage.layers
    assert {x.error for x in layers if x.quantized} == {None}
    assert {x.error for x in layers if not x.quantized} == {0}


def test_it_has_to_be_saved_before_it_has_run(build, tmp_path):
    variant = build("hf-int4")
    # What the first forward does on a CPU with AVX512-bf16.
    variant.encoder.module.visual_projection.weight.quant_state.packing_format_for_cpu = True
    with pytest.raises(QuantizationError, match="has run already"):
        variant.save(tmp_path)


@pytest.mark.parametrize("name", ["torch-int8", "fp32", "fp16"])
def test_what_has_no_format_says_so(build, name):
    assert build(name).save is None
