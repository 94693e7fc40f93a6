"""Quantizers and control arms: records, variants and what was quantized. Hook: ``qbench_quantizers``.

Helpers: `simulate` for a method that changes the values of weights, `torch_module` for one that changes layers,
`bare_matrices` for the weights that belong to no layer, and `CONTROL_ARMS` for the name of the control arm.
"""

from qbench.models.bare import bare_matrices
from qbench.models.control_arms import CONTROL_ARMS
from qbench.models.interface import CalibrationData, Context, Coverage, Layer, Tower, Variant
from qbench.models.layer_options import LayerOptions, tower_of
from qbench.models.simulate import simulate
from qbench.models.torch_module import torch_module
from qbench.plugins.records import Quantizer

__all__ = [
    "CONTROL_ARMS",
    "CalibrationData",
    "Context",
    "Coverage",
    "Layer",
    "LayerOptions",
    "Quantizer",
    "Tower",
    "Variant",
    "bare_matrices",
    "simulate",
    "torch_module",
    "tower_of",
]
