"""A method with layers that can be left alone, one of which ruins the answers."""

from dataclasses import dataclass, replace

import numpy as np

from qbench.api import Coverage, Layer, LayerOptions, Quantizer, Variant
from qbench.api.benchmarks import StatisticRef
from qbench.plugins.registry import Entry

from .conftest import PLUGIN

LAYERS = {
    "vision_model.layers.0.fc": "image",
    "vision_model.layers.1.fc": "image",
    "text_model.layers.0.fc": "text",
    "text_projection": "text",
}
BAD = "vision_model.layers.1.fc"


@dataclass(frozen=True, kw_only=True)
class Options(LayerOptions):
    strength: int = 1


class Quantized:
    """The fake model with some layers quantized: the bad one turns bright into dark, the others change a little."""

    def __init__(self, encoder, changed):
        self.encoder, self.changed = encoder, changed

    def encode_images(self, pixels):
        images = self.encoder.encode_images(pixels) + 1e-3 * sum(LAYERS[name] == "image" for name in self.changed)
        return images[:, ::-1] if BAD in self.changed else images

    def encode_texts(self, texts):
        return self.encoder.encode_texts(texts) + np.float32(1e-3 * sum(LAYERS[n] == "text" for n in self.changed))

    def close(self):
        self.encoder.close()


def plant(registry, log):
    """Add a control arm and a method that is bad in one layer, and give the benchmark a statistic that is judged."""

    def build(checkpoint, context, options):
        left_out = options.left_out(LAYERS) if isinstance(options, Options) else dict.fromkeys(LAYERS, "a control arm")
        log.append(("build", tuple(name for name in LAYERS if name not in left_out)))
        layers = tuple(
            Layer(name=name, tower=tower, kind="L", parameters=4, quantized=done, bits=8 if done else 32)
            for name, tower in LAYERS.items()
            for done in [name not in left_out]
        )
        encoder = Quantized(checkpoint.load(device="cpu", dtype="float32"), LAYERS.keys() - left_out.keys())
        return Variant(
            encoder=encoder, coverage=Coverage(layers=layers, total_parameters=16, model_bytes=16), dtype="float32"
        )

    for record in (
        Quantizer(name="fp32", summary="", bits=32, kind="control", build=build),
        Quantizer(name="rtn", summary="", bits=8, options=Options, build=build),
    ):
        registry.entries["qbench_quantizers"].append(Entry(plugin=PLUGIN, record=record))
    (toys,) = registry.entries["qbench_benchmarks"]
    metrics = tuple(replace(metric, statistic=StatisticRef("share")) for metric in toys.record.metrics)
    registry.entries["qbench_benchmarks"] = [Entry(plugin=PLUGIN, record=replace(toys.record, metrics=metrics))]
    return registry
