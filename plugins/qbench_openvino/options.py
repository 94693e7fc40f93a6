"""The options of the quantizers that OpenVINO runs. Light, so that a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qbench_onnx.options import Towers


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions:
    """How OpenVINO runs a graph.

    Attributes
    ----------
    precision : {"f32", "bf16", "f16"}
        The type in which products are computed (``INFERENCE_PRECISION_HINT``). Left to itself, OpenVINO chooses by the
        machine: bfloat16 where the CPU has it.
    dynamic_group : int
        With weights of 8 or 4 bits, OpenVINO may quantize the activations too, while the model runs: the number of
        inputs that then share a scale (``DYNAMIC_QUANTIZATION_GROUP_SIZE``); 0 for activations that are not quantized.
    threads : int
        Threads within an operator; 0 for as many as torch computes with, which every key says.
    """

    precision: Literal["f32", "bf16", "f16"] = "f32"
    dynamic_group: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse negative numbers."""
        for name in ("dynamic_group", "threads"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class LayersOptions(RuntimeOptions):
    """What NNCF quantizes.

    Attributes
    ----------
    towers : {"both", "image", "text"}
        Both towers, or only one.
    skip : tuple of str
        Layers to leave out, as shell patterns for their names (``*.fc2``). A pattern that matches no layer is an error.
    """

    towers: Towers = "both"
    skip: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Int8Options(LayersOptions):
    """Weights of 8 bits.

    Attributes
    ----------
    symmetric : bool
        Whether the scales have no zero point.
    """

    symmetric: bool = False


@dataclass(frozen=True, kw_only=True)
class Int4Options(LayersOptions):
    """Weights of 4 bits.

    Attributes
    ----------
    symmetric : bool
        Whether the scales have no zero point.
    group : int
        The number of inputs that share a scale. A layer whose inputs are not a multiple of it is left out.
    """

    symmetric: bool = False
    group: int = 128

    def __post_init__(self) -> None:
        """Refuse a group without a layer."""
        super().__post_init__()
        if self.group < 1:
            raise ValueError(f"group must be 1 or more, not {self.group}")


@dataclass(frozen=True, kw_only=True)
class CalibratedInt4Options(Int4Options):
    """Weights of 4 bits that are chosen by what the layers are given on the calibration data.

    Attributes
    ----------
    method : {"gptq", "scale-estimation", "awq"}
        GPTQ (Frantar et al. 2023); NNCF's own choice of scales that minimise the error of the products; or AWQ (Lin et
        al. 2024), which NNCF applies to layers behind an activation function only and rounds the others to the nearest.
    """

    method: Literal["gptq", "scale-estimation", "awq"] = "gptq"


@dataclass(frozen=True, kw_only=True)
class StaticOptions(LayersOptions):
    """Weights and activations of 8 bits, with ranges from the calibration data.

    Attributes
    ----------
    smooth_quant : float
        SmoothQuant (Xiao et al. 2023) moves the range of activations into the weights by this power, 0 to 1; -1 leaves
        it out.
    """

    smooth_quant: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a power without a meaning."""
        super().__post_init__()
        if self.smooth_quant != -1 and not 0 <= self.smooth_quant <= 1:
            raise ValueError(f"smooth_quant must be 0 to 1, or -1 to leave it out, not {self.smooth_quant}")
