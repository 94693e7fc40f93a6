"""The names of the control arms, by convention."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from qbench.models.interface import DType

CONTROL_ARMS: Mapping[DType, str] = MappingProxyType({"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"})
"""The control arm of each type, by convention: the name of the quantizer that only casts a model to this type.

A variant names the control arm of the type of its layers that are not quantized (`Variant.control`). A built-in plugin
registers these three.
"""
