"""Methods of torchao as quantizers. Light: torch and torchao are imported when a variant is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qbench.api import Quantizer, hookimpl

REQUIRES = ("torch", "torchao", "transformers")


@dataclass(frozen=True, kw_only=True)
class IntxOptions:
    """Options of `ao-intx`: the bits of a weight, and the number of inputs that share a scale and a zero point."""

    bits: int = 4
    group: int = 32

    def __post_init__(self) -> None:
        """Refuse bits for which torchao has no type."""
        if not 1 <= self.bits <= 8:
            raise ValueError(f"bits must be 1 to 8, not {self.bits}")
        if self.group < 1:
            raise ValueError(f"group must be 1 or more, not {self.group}")


def _record(method: str, summary: str, **more: Any) -> Quantizer:
    def build(checkpoint: Any, context: Any, options: Any) -> Any:
        from qbench_torchao.method import build_torchao

        return build_torchao(method, checkpoint, context, options)

    return Quantizer(
        name=f"ao-{method}", summary=f"torchao {summary}", build=build, requires=REQUIRES, **{"bits": 8, **more}
    )


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """Five configurations of torchao, each with the devices on which it was tested or is documented to run."""
    yield _record("int8wo", "int8 weights: symmetric, one scale per row", batch_invariant=True)
    # Each token has a scale of its own, but its rounding depends on the order of sums: not batch-invariant.
    yield _record("int8dq", "int8 weights, int8 activations with one scale per token at run time")
    yield _record("float8wo", "float8 (e4m3) weights, one scale per row", batch_invariant=True)
    yield _record(
        "float8dq",
        "float8 (e4m3) weights and activations; needs a GPU with float8 products (H100 and later)",
        devices=("cuda",),
    )
    yield _record(
        "intx",
        "1 to 8 bit weights in groups; stored as one byte per weight, so that it runs on every machine",
        bits=4,
        options=IntxOptions,
        batch_invariant=True,
    )
