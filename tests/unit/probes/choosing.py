"""A plugin with a model that answers questions by the brightness of an image, and a benchmark that asks them."""

import numpy as np
import pandas as pd
from PIL import Image

from qbench.api import (
    INDEX,
    Attribute,
    Benchmark,
    Coverage,
    FolderSource,
    Geometry,
    Identity,
    ImageLocation,
    Items,
    Layer,
    Located,
    MetricInfo,
    Metrics,
    ModelSource,
    Outcome,
    Preprocessing,
    Quantizer,
    StatisticRef,
    Variant,
)
from qbench.api.probes import Choices, Question
from qbench.plugins.registry import Entry, Plugin

PLUGIN = Plugin(name="guess", module="guess", distribution="guesses", version="1")
LIGHT = Question(text="Is it bright?", answers=("bright", "dark"))
TONE = Question(text="Which tone?", answers=("black", "grey", "pearl grey", "white"))


class Guesser:
    """The likelihood of an answer falls with the distance of the brightness from that of the answer."""

    def __init__(self, coarse=False):
        self.coarse, self.seen = coarse, []

    def score_answers(self, pixels, image_of, questions):
        self.seen.append((len(pixels), len(questions)))
        bright = pixels.reshape(len(pixels), -1).mean(1) / 255
        if self.coarse:
            bright = bright.round(1)
        return [self._answers(bright[i], question) for i, question in zip(image_of, questions, strict=True)]

    def _answers(self, bright, question):
        tones = np.linspace(0, 1, len(question.answers))
        logs = -10 * np.abs(bright - (tones if question == TONE else tones[::-1]))
        words = np.array([len(answer.split()) for answer in question.answers])
        return np.stack([logs * words, words], axis=1).astype(np.float32)

    def close(self):
        pass


class Task:
    """Each item is asked both questions; two items share an image."""

    def __init__(self, options=None):
        pass

    def data(self, root):
        files = sorted(path.name for path in root.glob("*.png"))
        index = [*range(len(files)), 0]
        side = ["left" if i % 4 < 2 else "right" for i in range(len(index))]
        label = [files[i][0] for i in index]
        names = [f"{i}" for i in range(len(index))]
        table = pd.DataFrame({"item": names, "image_index": index, "label": label, "side": side})
        sides = Attribute(name="side", groups=("left", "right"), pairs=(("left", "right"),))
        images = tuple(ImageLocation(FolderSource(root), name) for name in files)
        return Items(table=table, images=images, root=root, attributes=(sides,))

    def choices(self, items):
        asked = np.tile(np.arange(2), (len(items), 1))
        return Choices(questions=(LIGHT, TONE), asked=asked, length="tokens", facts={"template": "none"})

    def choose(self, scores, items):
        found = scores.items(0, len(items))
        assert scores.shape == found.shape == (len(items), 6)
        correct = (found[:, 0] > found[:, 1]) == items.table["label"].eq("b").to_numpy()
        tones = np.array(TONE.answers)[found[:, 2:].argmax(1)]
        return Outcome(items=items.table[["item", "label", "side"]].assign(correct=correct, tone=tones))

    def measure(self, outcome, weights=None):
        correct = outcome.items["correct"].to_numpy(dtype=float)
        weights = np.ones((1, len(correct))) if weights is None else weights
        index = pd.DataFrame([("accuracy", "", "", "")], columns=list(INDEX))
        values = (weights * correct).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
        return Metrics(index=index, values=values, n=np.array([len(correct)]))


class Checkpoint:
    identity = Identity(source="guess", checkpoint="g", architecture="Guesser", revision="local", fingerprint="f" * 32)
    preprocessing = Preprocessing(geometry=Geometry(size=4))

    def load(self, *, device, dtype, quantization_config=None):
        return Guesser()


def records():
    def build(coarse):
        layer = Layer(name="a", tower="image", kind="Guesser", parameters=1, quantized=coarse, bits=8)
        coverage = Coverage(layers=(layer,), total_parameters=1, model_bytes=4)
        return lambda checkpoint, context, options: Variant(encoder=Guesser(coarse), coverage=coverage, dtype="float32")

    metric = MetricInfo(
        name="accuracy", better="higher", unit="share", summary="", statistic=StatisticRef(name="share")
    )
    source = ModelSource(
        name="guess",
        summary="",
        locate=lambda c, o: Located(ready=True, where="here"),
        open=lambda c, o: Checkpoint(),
        probes=("choices",),
    )
    yield "qbench_models", source
    for name, coarse in (("exact", False), ("coarse", True)):
        kind = "quantization" if coarse else "control"
        yield "qbench_quantizers", Quantizer(name=name, summary="", bits=8, build=build(coarse), kind=kind)
    benchmark = Benchmark(
        name="tones", summary="", protocol="1", metrics=(metric,), load=Task, probes=("embedding", "choices")
    )
    yield "qbench_benchmarks", benchmark


def add_to(registry):
    """Register the plugin."""
    for hook, record in records():
        registry.entries[hook].append(Entry(plugin=PLUGIN, record=record))
    return registry


def asked_of(folder):
    """Who is asked about what, with twelve images in `folder`."""
    folder.mkdir(exist_ok=True)
    for i in range(12):
        value = 40 + 10 * i if i % 2 else 250 - 10 * i
        Image.fromarray(np.full((8, 8, 3), value, dtype=np.uint8)).save(folder / f"{'bd'[i % 2]}{i:02d}.png")
    return {
        "models": ["guess/g"],
        "quantizers": ["exact", "coarse"],
        "benchmarks": [{"name": "tones", "root": str(folder)}],
    }
