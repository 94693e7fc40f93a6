"""Magnitude pruning: the smallest weights of each layer are zero, the others are untouched."""

import pytest
import torch


@pytest.mark.parametrize("sparsity", [0.25, 0.5, 0.9])
def test_the_smallest_weights_are_zero_and_the_others_untouched(build, original, sparsity):
    variant = build("prune-magnitude", sparsity=sparsity)
    modules = dict(variant.encoder.module.named_modules())
    for layer in variant.coverage.layers:
        before, after = original[f"{layer.name}.weight"], modules[layer.name].weight.detach()
        zero = after == 0
        assert layer.quantized
        assert layer.sparsity == pytest.approx(sparsity, abs=1 / before.numel())
        assert float(zero.float().mean()) == layer.sparsity
        assert torch.equal(after[~zero], before[~zero])
        assert before[zero].abs().max() <= before[~zero].abs().min()
        assert layer.error == pytest.approx(float(before[zero].norm() / before.norm()), rel=1e-5)


def test_nothing_is_stored_in_fewer_bits(build):
    pruned, base = build("prune-magnitude").coverage, build("fp32").coverage
    assert {layer.bits for layer in pruned.layers} == {32}
    assert (pruned.model_bytes, pruned.total_parameters) == (base.model_bytes, base.total_parameters)
    assert pruned.share() == 1


def test_no_mask_is_left_behind(build):
    names = dict(build("prune-magnitude").encoder.module.named_parameters())
    assert not [n for n in names if n.endswith("_orig")]
    assert names.keys() == dict(build("fp32").encoder.module.named_parameters()).keys()


def test_more_pruning_moves_embeddings_further(build, embed):
    base = embed(build("fp32"))[0]
    moved = [abs(embed(build("prune-magnitude", sparsity=s))[0] - base).mean() for s in (0.1, 0.5, 0.9)]
    assert 0 < moved[0] < moved[1] < moved[2]
