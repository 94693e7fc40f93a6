"""The options of torchao's quantizers. Light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qbench.api import DType
from qbench_quantizers.options import ScopeOptions


@dataclass(frozen=True, kw_only=True)
class TorchaoOptions(ScopeOptions):
    """Which layers a method of torchao changes. It leaves out no projection by itself."""


@dataclass(frozen=True, kw_only=True)
class ProductOptions(TorchaoOptions):
    """A method whose kernels need the whole model in bfloat16."""

    @property
    def other_dtype(self) -> DType:
        """The type of the model."""
        return "bfloat16"


@dataclass(frozen=True, kw_only=True)
class Int4Options(ProductOptions):
    """4 bit weights, packed two to a byte.

    Attributes
    ----------
    group : {32, 64, 128}
        The number of inputs that share a scale and a zero point. A layer whose inputs are not a multiple of it is left
        out.
    """

    group: Literal[32, 64, 128] = 128


@dataclass(frozen=True, kw_only=True)
class IntxOptions(TorchaoOptions):
    """Weights of any number of bits.

    Attributes
    ----------
    bits : int
        The bits of a weight, 1 to 8.
    group : int
        The number of inputs that share a scale and a zero point. A layer whose inputs are not a multiple of it is left
        out.
    """

    bits: int = 4
    group: int = 32

    def __post_init__(self) -> None:
        """Refuse bits for which torchao has no type, and a group without a layer."""
        if not 1 <= self.bits <= 8:
            raise ValueError(f"bits must be 1 to 8, not {self.bits}")
        if self.group < 1:
            raise ValueError(f"group must be 1 or more, not {self.group}")
