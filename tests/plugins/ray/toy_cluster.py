"""A plugin of fakes that every process of a cluster can import: no torch, and it notes what it is asked to do.

Notes are files in the folder ``QBENCH_TOY``, one per process. The file ``slow`` in it makes each batch of images wait.
"""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import qbench.store.arrays
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
    ModelSource,
    Outcome,
    Preprocessing,
    Prompts,
    Quantizer,
    Variant,
    hookimpl,
)

qbench.store.arrays.SHARD_ROWS = 5  # twelve images are three parts
COUNT = 12


class Encoder:
    def __init__(self, name, scale):
        self.name, self.scale = name, scale

    def encode_images(self, pixels):
        folder = Path(os.environ["QBENCH_TOY"])
        with (folder / f"pid-{os.getpid()}").open("a") as notes:
            notes.write(f"{self.name} {len(pixels)}\n")
        if self.name == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        while (folder / "slow").exists():
            time.sleep(0.05)
        bright = pixels.reshape(len(pixels), -1).mean(1) / 255
        return np.stack([bright, self.scale - bright], axis=1).astype(np.float32)

    def encode_texts(self, texts):
        return np.array([[1, 0] if t == "bright" else [0, 1] for t in texts], dtype=np.float32)

    def close(self):
        pass


class Checkpoint:
    identity = Identity(source="toy", checkpoint="one", architecture="Toy", revision="local", fingerprint="one")
    preprocessing = Preprocessing(geometry=Geometry(size=4))

    def load(self, *, device, dtype, quantization_config=None):
        return Encoder("base", 1.0)


class Task:
    def __init__(self, options):
        pass

    def data(self, root):
        files = sorted(root.glob("*.png"))
        table = pd.DataFrame(
            {"item": [f.name for f in files], "image_index": range(len(files)), "label": [f.name[0] for f in files]}
        )
        return Items(table=table, images=tuple(ImageLocation(FolderSource(root), f.name) for f in files), root=root)

    def prompts(self, items):
        return Prompts(texts=("bright", "dark"), targets=("b", "d"), target_of=np.arange(2), pool=False)

    def predict(self, similarity, items):
        best = similarity.items(0, len(items)).argmax(1)
        right = np.array(["b", "d"])[best] == items.table["label"].to_numpy()
        return Outcome(items=items.table[["item", "label"]].assign(correct=right))

    def measure(self, outcome, weights=None):
        correct = outcome.items["correct"].to_numpy(dtype=float)
        weights = np.ones((1, len(correct))) if weights is None else weights
        index = pd.DataFrame([("accuracy", "", "", "")], columns=list(INDEX))
        values = (weights * correct).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
        return Metrics(index=index, values=values, n=np.array([len(correct)]))


def _write(folder):
    rng = np.random.default_rng(0)
    for i in range(COUNT):
        pixels = (rng.uniform(0.6, 1, (8, 8, 3)) if i % 2 else rng.uniform(0, 0.4, (8, 8, 3))) * 255
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{'db'[i % 2]}{i:02d}.png")


def _quantizer(name, scale):
    layer = Layer(name="a", tower="image", kind="Linear", parameters=4, quantized=scale != 1, bits=8)

    def build(checkpoint, context, options):
        covered = Coverage(layers=(layer,), total_parameters=4, model_bytes=16)
        return Variant(encoder=Encoder(name, scale), coverage=covered, dtype="float32")

    return Quantizer(name=name, summary="a fake", bits=8, devices=("cpu",), build=build)


@hookimpl
def qbench_models():
    yield ModelSource(
        name="toy",
        summary="a fake",
        checkpoints={"one": ""},
        locate=lambda checkpoint, options: Located(ready=True, where="here"),
        open=lambda checkpoint, options: Checkpoint(),
    )


@hookimpl
def qbench_quantizers():
    for name, scale in (("base", 1.0), ("half", 0.9), ("deadly", 0.8)):
        yield _quantizer(name, scale)


@hookimpl
def qbench_benchmarks():
    metric = MetricInfo(name="accuracy", better="higher", unit="share", summary="")
    yield Benchmark(name="toys", summary="a fake", protocol="1", metrics=(metric,), load=Task)


@hookimpl
def qbench_datasets():
    yield Dataset(name="drawn", summary="a fake", version="1", write=_write, note="These are squares.")
