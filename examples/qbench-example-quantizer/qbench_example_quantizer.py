"""Round to nearest: weights on a grid of `bits` bits, one scale per group of inputs. Simulated: stored as float32."""

from dataclasses import dataclass

from qbench.api import LayerOptions, Quantizer, hookimpl, simulate


@dataclass(frozen=True, kw_only=True)
class Options(LayerOptions):
    bits: int = 4
    group: int = 32

    def __post_init__(self):
        if not 2 <= self.bits <= 8 or self.group < 1:
            raise ValueError(f"bits must be 2 to 8, not {self.bits}; group must be 1 or more, not {self.group}")


def build(checkpoint, context, options):
    def rule(name, weight):  # weight: a torch tensor (outputs, inputs)
        group = options.group if weight.shape[1] % options.group == 0 else weight.shape[1]
        groups = weight.reshape(-1, group)
        scale = groups.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / (2 ** (options.bits - 1) - 1)
        return ((groups / scale).round() * scale).reshape(weight.shape), options.bits + 32 / group

    return simulate(checkpoint, context, rule, layers=options)


@hookimpl
def qbench_quantizers():
    summary = "round to nearest, one scale per group of weights (simulated)"
    requires = ("torch", "transformers")
    yield Quantizer(
        name="rtn", summary=summary, bits=4, build=build, options=Options, batch_invariant=True, requires=requires
    )
