"""Quantizers: rounding to four bits, and what can be wrong with it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path

from broken.caught import CAUGHT
from qbench.api import LayerOptions, QuantizationError, Quantizer, simulate


def rounded(weight, top=7):
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / top
    return (weight / scale).round() * scale


def build(checkpoint, context, options):
    return simulate(checkpoint, context, lambda name, weight: (rounded(weight), 4 + 32 / weight.shape[1]))


def quantizer(name, caught="", said="", build=build, **changes):
    CAUGHT[name] = caught, said
    values = {"summary": "broken", "bits": 4, "batch_invariant": True, "requires": ("torch",)}
    return Quantizer(**{"name": name, "build": build, **values, **changes})


def quantizers_with(change):
    """A build that does `change(variant)` at the end, which gives the variant."""
    return lambda checkpoint, context, options: change(build(checkpoint, context, options))


def lies_that_all_is_quantized(checkpoint, context, options):
    """The text tower is left alone, and coverage says otherwise."""
    variant = simulate(checkpoint, context, lambda n, w: (rounded(w), 5) if n.startswith("vis") else None)
    layers = tuple(replace(x, quantized=True, bits=5.0, reason="", error=None) for x in variant.coverage.layers)
    return replace(variant, coverage=replace(variant.coverage, layers=layers))


def hides_a_layer(variant):
    """It was quantized, and coverage says that it was left alone."""
    first, *others = variant.coverage.layers
    hidden = replace(first, quantized=False, bits=32.0, reason="left alone, it says")
    return replace(variant, coverage=replace(variant.coverage, layers=(hidden, *others)))


def forgets_a_layer(variant):
    return replace(variant, coverage=replace(variant.coverage, layers=variant.coverage.layers[1:]))


def states_another_error(variant):
    layers = tuple(replace(x, error=0.01) for x in variant.coverage.layers)
    return replace(variant, coverage=replace(variant.coverage, layers=layers))


def counts_wrong(variant):
    return replace(variant, coverage=replace(variant.coverage, total_parameters=1))


def counts_in_numpy(variant):
    import numpy as np

    return replace(variant, coverage=replace(variant.coverage, model_bytes=np.int64(5)))


def quantizes_nothing(variant):
    layers = tuple(replace(x, quantized=False, reason="no") for x in variant.coverage.layers)
    return replace(variant, coverage=replace(variant.coverage, layers=layers))


def only_says_so(checkpoint, context, options):
    return simulate(checkpoint, context, lambda name, weight: (weight, 4.0))


def gives_up(checkpoint, context, options):
    raise QuantizationError("the method does not know this model")


def draws(checkpoint, context, options):
    """Stochastic rounding by the global random state."""
    import torch

    def rule(name, weight):
        scale = weight.abs().amax(dim=1, keepdim=True) / 7
        return (weight / scale + torch.rand_like(weight) - 0.5).round() * scale, 5.0

    return simulate(checkpoint, context, rule)


def changes_the_checkpoint(checkpoint, context, options):
    object.__setattr__(checkpoint, "preprocessing", replace(checkpoint.preprocessing, mean=(0.1, 0.1, 0.1)))
    return build(checkpoint, context, options)


def sees_the_batch(variant):
    """Activations are scaled over the whole batch."""
    inner = variant.encoder.encode_images

    def encode(pixels):
        found = inner(pixels)
        scale = abs(found).max() / 7
        return (found / scale).round() * scale

    variant.encoder.encode_images = encode
    return variant


def overflows(variant):
    inner = variant.encoder.encode_images
    variant.encoder.encode_images = lambda pixels: inner(pixels) * float("nan")
    return variant


def always_on_the_cpu(checkpoint, context, options):
    return build(checkpoint, dataclasses.replace(context, device="cpu"), options)


def on_some_gpu(checkpoint, context, options):
    """Only where there is a GPU, and then on the first one."""
    import torch

    if not torch.cuda.is_available():
        raise QuantizationError("there is no GPU")
    return build(checkpoint, dataclasses.replace(context, device="cuda"), options)


def on_a_gpu_though_it_says_cpu(checkpoint, context, options):
    return build(checkpoint, dataclasses.replace(context, device="cuda"), options)


def moves_to_some_gpu(checkpoint, context, options):
    """Loads on the CPU, which is fine, and moves the weights where it was not told to."""
    variant = build(checkpoint, dataclasses.replace(context, device="cpu"), options)
    if context.device != "cpu":
        variant.encoder.module.to("cuda:0")
    return variant


def loads_by_itself(checkpoint, context, options):
    """Past the checkpoint, which so is not asked for anything, and where it likes."""
    itself = type(checkpoint)(checkpoint.folder, checkpoint.identity, checkpoint.family)
    return build(itself, dataclasses.replace(context, device="cpu"), options)


def says_another_type(checkpoint, context, options):
    """bfloat16 it says, and one layer that was left alone is in float32."""
    variant = simulate(checkpoint, context, lambda n, w: None if n == "text_projection" else (rounded(w), 5.0))
    return replace(variant, dtype="bfloat16")


def changes_the_other_tower(checkpoint, context, options):
    """The layers that are named are quantized, and the texts are changed besides."""
    import torch

    variant = simulate(checkpoint, context, lambda n, w: (rounded(w), 5.0), layers=options)
    with torch.no_grad():
        variant.encoder.module.text_model.final_layer_norm.weight.mul_(2)
    return variant


@dataclass(frozen=True)
class OddOptions:
    """An option that no spec can say."""

    where: Path = Path("x")


@dataclass
class LooseOptions:
    """Not frozen."""

    bits: int = 4


QUANTIZERS = [
    quantizer("good-quantizer"),
    quantizer("q a space", "test_the_name_can_be_used_in_a_spec", "must consist of letters"),
    quantizer("q-summary", "test_the_summary_is_one_line", "several lines", summary="two\nlines"),
    quantizer("q-blind", "test_calibration_data_are_used", "the same embeddings", calibrates=True),
    quantizer("q-path", "test_options_have_defaults_and_survive_a_round_trip", "not a plain value", options=OddOptions),
    quantizer("q-loose", "test_options_have_defaults_and_survive_a_round_trip", "is not frozen", options=LooseOptions),
    quantizer(
        "q-requires",
        "test_the_record_says_what_a_user_chooses_by",
        "not installed: no-such-distribution",
        requires=("no-such-distribution",),
    ),
    quantizer("q-lies", "test_coverage_is_true", "its weights are the original ones", lies_that_all_is_quantized),
    quantizer("q-hides", "test_coverage_is_true", "its weights differ", quantizers_with(hides_a_layer)),
    quantizer("q-forgets", "test_coverage_is_true", "name every Linear layer once", quantizers_with(forgets_a_layer)),
    quantizer(
        "q-error",
        "test_coverage_is_true",
        "states a weight error of 0.0100, but it is 0.",
        quantizers_with(states_another_error),
    ),
    quantizer("q-counts", "test_coverage_counts", "the model has", quantizers_with(counts_wrong)),
    quantizer("q-nothing", "test_coverage_counts", "nothing was quantized", quantizers_with(quantizes_nothing)),
    quantizer(
        "q-numpy", "test_coverage_survives_json", "a value that JSON cannot store", quantizers_with(counts_in_numpy)
    ),
    quantizer("q-only", "test_layers_are_chosen", "only = vision_model.* is quantized", options=LayerOptions),
    quantizer(
        "q-tower",
        "test_layers_are_chosen",
        "the text embeddings are not those of the control arm",
        changes_the_other_tower,
        options=LayerOptions,
    ),
    quantizer("q-draws", "test_the_same_comes_out_each_time", "a seed of its own", draws),
    quantizer(
        "q-changes", "test_the_input_model_is_not_changed", "the build changed the checkpoint", changes_the_checkpoint
    ),
    quantizer("q-batch", "test_batch_invariance_is_true", "image embeddings change", quantizers_with(sees_the_batch)),
    quantizer("q-nan", "test_embeddings_are_finite_and_float32", "not finite", quantizers_with(overflows)),
    quantizer("q-same", "test_quantizing_changes_embeddings", "those of the unquantized", only_says_so),
    quantizer("q-device", "test_another_device_is_asked_for", "the context says cuda:1", always_on_the_cpu),
    quantizer("q-gpu", "test_another_device_is_asked_for", r"asked for \['cuda'\]", on_some_gpu),
    quantizer("q-moves", "test_another_device_is_asked_for", r"asked for \['cpu', 'cuda:0'\]", moves_to_some_gpu),
    quantizer("q-itself", "test_another_device_is_asked_for", "asked for no weights", loads_by_itself),
    quantizer(
        "q-cpu",
        "test_another_device_is_asked_for",
        r"says cpu, but .* asked for \['cuda'\]",
        on_a_gpu_though_it_says_cpu,
        devices=("cpu",),
    ),
    quantizer("q-dtype", "test_device_and_dtype_are_honoured", "text_projection is in", says_another_type),
    quantizer("q-fails", "test_it_runs_and_its_results_are_read_back", "does not know this model", gives_up),
]
