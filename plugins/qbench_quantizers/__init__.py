"""The records of the built-in quantizers and control arms. A method is imported when a variant is built.

``hf-int8`` and ``hf-int4`` are bitsandbytes through transformers, ``torch-int8`` is PyTorch's dynamic quantization, and
``prune-magnitude`` prunes. ``stored`` loads a variant that was saved. ``fp32`` is the baseline; ``fp16`` and ``bf16``
are casts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from qbench.api import DType, NoOptions, Quantizer, hookimpl
from qbench_quantizers.options import DynamicOptions, Int4Options, Int8Options, PruneOptions

if TYPE_CHECKING:
    from qbench.api import Checkpoint, Context, Variant

TORCH = ("torch", "transformers")
BITSANDBYTES = (*TORCH, "bitsandbytes")


def _int8(checkpoint: Checkpoint, context: Context, options: Int8Options) -> Variant:
    from qbench_quantizers.bitsandbytes_layers import build_int8

    return build_int8(checkpoint, context, options)


def _int4(checkpoint: Checkpoint, context: Context, options: Int4Options) -> Variant:
    from qbench_quantizers.bitsandbytes_layers import build_int4

    return build_int4(checkpoint, context, options)


def _dynamic(checkpoint: Checkpoint, context: Context, options: DynamicOptions) -> Variant:
    from qbench_quantizers.dynamic import build_dynamic

    return build_dynamic(checkpoint, context, options)


def _pruned(checkpoint: Checkpoint, context: Context, options: PruneOptions) -> Variant:
    from qbench_quantizers.prune import build_pruned

    return build_pruned(checkpoint, context, options)


def _stored(checkpoint: Checkpoint, context: Context, options: NoOptions) -> Variant:
    from qbench_quantizers.stored import build_stored

    return build_stored(checkpoint, context)


def _cast(dtype: DType) -> Callable[[Checkpoint, Context, NoOptions], Variant]:
    def build(checkpoint: Checkpoint, context: Context, options: NoOptions) -> Variant:
        from qbench_quantizers.cast import build_cast

        return build_cast(checkpoint, context, dtype)

    return build


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """Three control arms, three quantizers, pruning, and variants that were saved."""
    yield Quantizer(
        name="fp32",
        summary="single precision: the baseline",
        bits=32,
        kind="control",
        batch_invariant=True,
        requires=TORCH,
        build=_cast("float32"),
    )
    yield Quantizer(
        name="fp16",
        summary="half precision: a cast, the control arm of variants that compute in fp16",
        bits=16,
        kind="control",
        batch_invariant=True,
        requires=TORCH,
        build=_cast("float16"),
    )
    yield Quantizer(
        name="bf16",
        summary="bfloat16: a cast, the control arm of variants that compute in bf16",
        bits=16,
        kind="control",
        batch_invariant=True,
        requires=TORCH,
        build=_cast("bfloat16"),
    )
    yield Quantizer(
        name="hf-int8",
        summary="LLM.int8() of bitsandbytes: 8 bit with vector-wise scales, outlier features in 16 bit",
        bits=8,
        options=Int8Options,
        batch_invariant=False,  # outlier features are found in the whole batch
        requires=BITSANDBYTES,
        build=_int8,
    )
    yield Quantizer(
        name="hf-int4",
        summary="QLoRA's 4 bit of bitsandbytes: NF4 (or fp4) in blocks of 64 weights",
        bits=4,
        options=Int4Options,
        batch_invariant=True,
        requires=BITSANDBYTES,
        build=_int4,
    )
    yield Quantizer(
        name="torch-int8",
        summary="PyTorch's dynamic quantization: 8 bit weights, activations scaled while the model runs",
        bits=8,
        options=DynamicOptions,
        devices=("cpu",),
        batch_invariant=False,  # one activation scale for the whole batch
        requires=TORCH,
        build=_dynamic,
    )
    yield Quantizer(
        name="prune-magnitude",
        summary="magnitude pruning, unstructured or 2:4: the smallest weights become zero, stored in 32 bit",
        bits=32,
        options=PruneOptions,
        batch_invariant=True,
        requires=TORCH,
        build=_pruned,
    )
    yield Quantizer(
        name="stored",
        summary="a checkpoint whose weights are stored quantized, without a change (see `qbench quantize`)",
        bits=0,  # the checkpoint decides
        batch_invariant=False,  # the method is not known here
        requires=BITSANDBYTES,
        build=_stored,
    )
