"""Variants that torchao quantizes: PyTorch's library of quantization, the successor of ``torch.ao.quantization``.

``ao-int8dq`` is the successor of ``torch-int8``: 8 bit weights, and activations that are scaled while the model runs.
They need the extra ``torchao``; without it they are listed, with the command that installs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from qbench.api import Quantizer, hookimpl
from qbench_torchao.options import Int4Options, IntxOptions, ProductOptions, TorchaoOptions

if TYPE_CHECKING:
    from qbench.api import Checkpoint, Context, Variant

REQUIRES = ("torch", "torchao", "transformers")
INSTALL = "pip install 'qbench-vlm[torchao]'"


def _record(method: str, summary: str, **more: Any) -> Quantizer:
    def build(checkpoint: Checkpoint, context: Context, options: Any) -> Variant:
        from qbench_torchao.method import build_torchao

        return build_torchao(method, checkpoint, context, options)

    return Quantizer(
        name=f"ao-{method}",
        summary=f"torchao: {summary}",
        build=build,
        requires=REQUIRES,
        install="" if find_spec("torchao") else INSTALL,
        **{"bits": 8, "options": TorchaoOptions, **more},
    )


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """Six configurations of torchao, each with the devices that have kernels for it."""
    yield _record("int8wo", "int8 weights, symmetric, one scale per row", batch_invariant=True)
    # Each token has a scale of its own, but its rounding depends on the order of sums: not batch-invariant.
    yield _record("int8dq", "int8 weights, int8 activations with one scale per token: the successor of torch-int8")
    yield _record("float8wo", "float8 (e4m3) weights, one scale per row", batch_invariant=True)
    yield _record(
        "float8dq",
        "float8 (e4m3) weights and activations; needs a GPU with float8 products (compute capability 8.9)",
        options=ProductOptions,
        devices=("cuda",),
    )
    yield _record(
        "int4",
        "int4 weights in groups, packed; the model is in bfloat16",
        bits=4,
        options=Int4Options,
        batch_invariant=True,
    )
    yield _record(
        "intx",
        "1 to 8 bit weights in groups, stored as one byte per weight, so that every machine can run it",
        bits=4,
        options=IntxOptions,
        batch_invariant=True,
    )
