"""torchao's methods as quantizers. Light: torch and torchao are imported when a variant is built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qbench.api import Quantizer, hookimpl

REQUIRES = ("torch", "torchao", "transformers")


@dataclass(frozen=True, kw_only=True)
class IntxOptions:
    """Options of `ao-intx`: bits of a weight, and inputs that share a scale and a zero point."""

    bits: int = 4
    group: int = 32

    def __post_init__(self) -> None:
        """Refuse what torchao has no type for."""
        if not 1 <= self.bits <= 8:
            raise ValueError(f"bits is {self.bits}; it is 1 to 8")
        if self.group < 1:
            raise ValueError(f"group is {self.group}; it is 1 or more")


def _record(method: str, summary: str, **more: Any) -> Quantizer:
    def build(checkpoint: Any, context: Any, options: Any) -> Any:
        from qbench_torchao.method import build_torchao

        return build_torchao(method, checkpoint, context, options)

    return Quantizer(
        name=f"ao-{method}", summary=f"torchao {summary}", build=build, requires=REQUIRES, **{"bits": 8, **more}
    )


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """Five of torchao's configurations, each with the devices that it was seen, or is documented, to run on."""
    yield _record("int8wo", "int8 weight-only: symmetric, a scale a row", batch_invariant=True)
    # Scales of activations are a token's own, but their rounding follows the order of sums: no batch invariance.
    yield _record("int8dq", "int8 weights, int8 activations scaled by token at run time")
    yield _record("float8wo", "float8 (e4m3) weight-only, a scale a row", batch_invariant=True)
    yield _record(
        "float8dq",
        "float8 (e4m3) weights and activations; wants a GPU with float8 products (H100 and later)",
        devices=("cuda",),
    )
    yield _record(
        "intx",
        "1 to 8 bit weight-only, in groups; held a byte a weight, so that it runs anywhere",
        bits=4,
        options=IntxOptions,
        batch_invariant=True,
    )
