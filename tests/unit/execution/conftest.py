"""A registry of fakes: a model of two numbers an image, quantizers that work or fail, a benchmark of two classes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.api import (
    INDEX,
    Benchmark,
    Coverage,
    Dataset,
    FolderSource,
    Geometry,
    Identity,
    ImageLocation,
    Items,
    Layer,
    Located,
    MetricInfo,
    Metrics,
    ModelError,
    ModelSource,
    Outcome,
    Preprocessing,
    Prompts,
    Quantizer,
    Variant,
)
from qbench.builtin import qbench_executors, qbench_probes
from qbench.plugins.registry import Entry, Plugin, Registry
from qbench.spec.read import read_spec
from qbench.store.cache import Cache

PLUGIN = Plugin(name="fake", module="fake", distribution="fakes", version="1")
COUNT = 12


class Encoder:
    def __init__(self, log, scale=1.0):
        self.log, self.scale = log, scale

    def encode_images(self, pixels):
        self.log.append(("images", len(pixels)))
        bright = pixels.reshape(len(pixels), -1).mean(1) / 255
        return np.stack([bright, self.scale - bright], axis=1).astype(np.float32)

    def encode_texts(self, texts):
        self.log.append(("texts", len(texts)))
        return np.array([[1, 0] if t == "bright" else [0, 1] for t in texts], dtype=np.float32)

    def close(self):
        self.log.append(("close",))


class Checkpoint:
    def __init__(self, name, log):
        self.identity = Identity(source="toy", checkpoint=name, architecture="Toy", revision="local", fingerprint=name)
        self.preprocessing = Preprocessing(geometry=Geometry(size=4))
        self.log = log

    def load(self, *, device, dtype, quantization_config=None):
        return Encoder(self.log)


def coverage(quantized: bool) -> Coverage:
    layer = Layer(name="a", tower="image", kind="Linear", parameters=4, quantized=quantized, bits=8)
    return Coverage(layers=(layer,), total_parameters=4, model_bytes=16)


class Task:
    def __init__(self, options):
        self.options = options

    def data(self, root):
        files = sorted(root.glob("*.png"))
        if self.options.broken == "data":
            raise ZeroDivisionError("a defect of the benchmark")
        table = pd.DataFrame(
            {"item": [f.name for f in files], "image_index": range(len(files)), "label": [f.name[0] for f in files]}
        )
        return Items(table=table, images=tuple(ImageLocation(FolderSource(root), f.name) for f in files), root=root)

    def prompts(self, items):
        return Prompts(texts=("bright", "dark"), targets=("b", "d"), target_of=np.arange(2), pool=False)

    def predict(self, similarity, items):
        if self.options.broken == "predict":
            raise ZeroDivisionError("a defect of the benchmark")
        best = similarity.items(0, len(items)).argmax(1)
        right = np.array(["b", "d"])[best] == items.table["label"].to_numpy()
        return Outcome(items=items.table[["item", "label"]].assign(correct=right))

    def measure(self, outcome, weights=None):
        correct = outcome.items["correct"].to_numpy(dtype=float)
        weights = np.ones((1, len(correct))) if weights is None else weights
        index = pd.DataFrame([("accuracy", "", "", "")], columns=list(INDEX))
        values = (weights * correct).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
        return Metrics(index=index, values=values, n=np.array([len(correct)]))


@dataclass(frozen=True)
class TaskOptions:
    broken: str = ""


@pytest.fixture
def log() -> list:
    """What the fakes were asked to do."""
    return []


@pytest.fixture
def registry(log) -> Registry:
    return fakes(log)


def fakes(log) -> Registry:
    """The fakes, which note in `log` what they are asked to do."""

    def build(scale):
        def build_(checkpoint, context, options):
            log.append(("build", scale))
            if scale == 0:
                raise RuntimeError("the method does not know this model")
            return Variant(encoder=Encoder(log, scale), coverage=coverage(scale != 1), dtype="float32")

        return build_

    def open_(name, options):
        if name == "missing":
            raise ModelError("the checkpoint is missing", where=name)
        return Checkpoint(name, log)

    def write(folder):
        rng = np.random.default_rng(0)
        for i in range(COUNT):
            bright = i % 2
            pixels = (rng.uniform(0.6, 1, (8, 8, 3)) if bright else rng.uniform(0, 0.4, (8, 8, 3))) * 255
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{'db'[bright]}{i:02d}.png")

    made = Registry(plugins=[PLUGIN])
    core = Plugin(name="core", module="qbench.builtin", distribution="qbench-vlm", version="1")
    for hook, records in (("qbench_probes", qbench_probes()), ("qbench_executors", qbench_executors())):
        made.entries[hook] += [Entry(plugin=core, record=record) for record in records]

    def add(hook, record):
        made.entries[hook].append(Entry(plugin=PLUGIN, record=record))

    checkpoints = {"one": "", "two": "", "missing": ""}
    add(
        "qbench_models",
        ModelSource(
            name="toy",
            summary="",
            checkpoints=checkpoints,
            locate=lambda c, o: Located(ready=c != "missing", where=c, how_to_get=f"get {c}"),
            open=open_,
        ),
    )
    for name, scale, devices in (("base", 1.0, ("cpu", "cuda")), ("half", 0.9, ("cpu",)), ("bad", 0, ("cpu",))):
        add("qbench_quantizers", Quantizer(name=name, summary="", bits=8, devices=devices, build=build(scale)))
    metric = MetricInfo(name="accuracy", better="higher", unit="share", summary="")
    add(
        "qbench_benchmarks",
        Benchmark(name="toys", summary="", protocol="1", metrics=(metric,), load=Task, options=TaskOptions),
    )
    add("qbench_datasets", Dataset(name="drawn", summary="", version="1", write=write, note="These are squares."))
    return made


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


def toy_spec(**changes):
    """A spec with some keys exchanged."""
    values = {
        "name": "x",
        "baseline": "base",
        "models": ["toy/one"],
        "quantizers": ["base", "half"],
        "benchmarks": [{"name": "toys", "dataset": "drawn"}],
        "batch_size": 5,
    }
    return read_spec(values | changes)


@pytest.fixture
def spec():
    return toy_spec


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Where the first test of a file keeps its run folder and its cache folder for the others, which copy them."""
    return tmp_path_factory.mktemp("first") / "both"
