"""Quantizers and control arms: records, variants and what was quantized. Hook: ``qbench_quantizers``."""

from qbench.models.interface import Context, Coverage, Layer, Variant
from qbench.models.simulate import simulate, tower_of
from qbench.plugins.records import Quantizer

__all__ = ["Context", "Coverage", "Layer", "Quantizer", "Variant", "simulate", "tower_of"]
