"""torchao's methods as quantizers. Light: torch and torchao are imported when a variant is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from qbench.api import NoOptions, Quantizer, hookimpl

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


def _build(method: str) -> Callable[[Any, Any, Any], Any]:
    def build(checkpoint: Any, context: Any, options: Any) -> Any:
        from qbench_torchao.method import build_torchao

        return build_torchao(method, checkpoint, context, options)

    return build


@hookimpl
def qbench_quantizers() -> Iterator[Quantizer]:
    """Five of torchao's configurations, each with the devices that it was seen, or is documented, to run on."""
    yield Quantizer(
        name="ao-int8wo",
        summary="torchao int8 weight-only: symmetric, a scale a row",
        bits=8,
        build=_build("int8wo"),
        batch_invariant=True,
        requires=REQUIRES,
    )
    yield Quantizer(
        name="ao-int8dq",
        summary="torchao int8 weights, int8 activations scaled by token at run time",
        bits=8,
        build=_build("int8dq"),
        batch_invariant=False,  # scales are a token's own, but rounding of activations follows the order of sums
        requires=REQUIRES,
    )
    yield Quantizer(
        name="ao-float8wo",
        summary="torchao float8 (e4m3) weight-only, a scale a row",
        bits=8,
        build=_build("float8wo"),
        batch_invariant=True,
        requires=REQUIRES,
    )
    yield Quantizer(
        name="ao-float8dq",
        summary="torchao float8 (e4m3) weights and activations; wants a GPU with float8 products (H100 and later)",
        bits=8,
        build=_build("float8dq"),
        options=NoOptions,
        devices=("cuda",),
        batch_invariant=False,
        requires=REQUIRES,
    )
    yield Quantizer(
        name="ao-intx",
        summary="torchao 1 to 8 bit weight-only, in groups; held a byte a weight, so that it runs anywhere",
        bits=4,
        build=_build("intx"),
        options=IntxOptions,
        batch_invariant=True,
        requires=REQUIRES,
    )
