"""The records of two methods that use calibration data. torch is imported when a variant is built."""

from dataclasses import dataclass

from qbench.api import LayerOptions, Quantizer, hookimpl


@dataclass(frozen=True, kw_only=True)
class GptqOptions(LayerOptions):
    """Bits, the inputs that share a scale, and whether errors are made up for (else: round to the nearest)."""

    bits: int = 4
    group: int = 32
    compensate: bool = True

    def __post_init__(self):
        if not 2 <= self.bits <= 8 or self.group < 1:
            raise ValueError(f"bits must be 2 to 8, not {self.bits}; group must be 1 or more, not {self.group}")


@dataclass(frozen=True, kw_only=True)
class WandaOptions(LayerOptions):
    """The share of the weights of each output that become zero."""

    sparsity: float = 0.5

    def __post_init__(self):
        if not 0 < self.sparsity < 1:
            raise ValueError(f"sparsity must be between 0 and 1, not {self.sparsity}")


def gptq(checkpoint, context, options):
    from qbench_example_calibrated.methods import build_gptq

    return build_gptq(checkpoint, context, options)


def wanda(checkpoint, context, options):
    from qbench_example_calibrated.methods import build_wanda

    return build_wanda(checkpoint, context, options)


@hookimpl
def qbench_quantizers():
    common = {"batch_invariant": True, "calibrates": True, "requires": ("torch", "transformers")}
    summary = "GPTQ: weights rounded one input after the other, errors made up for by the next (simulated)"
    yield Quantizer(name="gptq", summary=summary, bits=4, build=gptq, options=GptqOptions, **common)
    summary = "Wanda: weights that are small beside the norm of their input become zero (simulated)"
    yield Quantizer(name="wanda", summary=summary, bits=32, build=wanda, options=WandaOptions, **common)
