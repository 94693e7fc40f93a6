"""Speed, size and error of the same checkpoints in torch, ONNX Runtime and OpenVINO, as the page docs/runtimes.md.

Run: ``python benchmarks/runtimes.py`` (some minutes on two cores); its tables are those of docs/runtimes.md, whose last
section was written by hand. It needs the extras ``onnx``, ``openvino`` and ``torchao``. With ``--full-size``, a
ViT-B-32 with random weights is measured too, which takes some minutes more.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.execution.calibration import PreparedCalibration, prepare_calibration
from qbench.execution.model_names import find_model
from qbench.execution.plan import plan_calibration
from qbench.execution.quiet import quiet
from qbench.execution.single import built
from qbench.models.numerics import numerics, versions
from qbench.plugins.registry import installed
from qbench.results.coverage import summarise
from qbench.spec.model import CalibrationSpec, ModelSpec, QuantizerSpec
from qbench.store.cache import Cache
from qbench_clip.untrained import write_untrained

BATCH, REPEATS = 16, 3
PACKAGES = ("onnxruntime", "onnxscript", "openvino", "nncf", "torchao")
CALIBRATED_ON = {"benchmark": {"name": "imagenet", "dataset": "demo-imagenet"}, "items": 48}
EMBEDDED = {"benchmark": {"name": "facet", "dataset": "demo-facet"}, "items": 48}
VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("fp32", {}),
    ("ort-fp32", {}),
    ("ort-fp16", {}),
    ("torch-int8", {}),
    ("ort-int8-dynamic", {}),
    ("ort-int8-static", {}),
    ("ov-fp32", {}),
    ("ov-fp16", {}),
    ("ov-int8-weights", {}),
    ("ov-int8-static", {}),
    ("ov-int8-static", {"smooth_quant": -1.0}),
    ("ov-int4-weights", {"group": 32}),
    ("ov-int4-calibrated", {"group": 32}),
    ("ov-int4-calibrated", {"group": 32, "method": "scale-estimation"}),
    ("ov-int4-calibrated", {"group": 32, "method": "awq"}),
    ("ao-int8dq", {}),
    ("ao-int8wo", {}),
    ("ao-int4", {"group": 32}),
)
MORE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("torch-int8", {"per_channel": True}),
    ("ort-int8-dynamic", {"per_channel": True}),
    ("ort-int8-static", {"per_channel": True}),
    ("ort-int8-static", {"per_channel": True, "method": "entropy"}),
    ("ort-int8-static", {"per_channel": True, "method": "percentile", "percentile": 99.9}),
    ("ov-fp32", {"precision": "bf16"}),
    ("ov-int8-weights", {"dynamic_group": 32}),
)
COLUMNS = (
    *("variant", "images per second", "texts per second", "MB", "median weight error"),
    *("image embeddings", "largest", "text embeddings", "largest"),
)
HEAD = """# Runtimes side by side

The same checkpoint in torch, [torchao](protocol.md#torchao), [ONNX Runtime](protocol.md#onnx-runtime) and
[OpenVINO](protocol.md#openvino), measured by `python benchmarks/runtimes.py`:
{machine}.

- The speed is that of the fastest of {repeats} batches of {batch}, preprocessing and tokenizer included. Other programs
  ran at the same time, and not the same ones for each row: a speed is rough, and a factor of two means nothing.
- MB are the bytes of all weights and scales as they are held.
- The error of the embeddings is one minus their cosine with those of `fp32`: its median and its largest value over
  {images} images and {texts} texts of the demo's data. Static quantization was calibrated on {calibrated} images of
  another of its datasets, and so was `ov-int4-calibrated`.
"""
FULL = """
## A full-size ViT-B-32 with random weights

Speed, size and weight errors are those of any checkpoint of this size. Embeddings of a random model hardly differ from
image to image, so their errors say little of a trained one.
"""
TRAINED = """
## The demo's trained model

Its embeddings are trained, so that their errors mean something. The model is so small that most of its time is that of
calling the runtime: `python benchmarks/runtimes.py --full-size` measures a ViT-B-32 too, whose size and weight errors
are in [coverage.md](coverage.md).
"""


def drawn(values: dict[str, Any]) -> PreparedCalibration:
    """Images and texts of the demo's data."""
    spec = CalibrationSpec.model_validate(values)
    return prepare_calibration(plan_calibration(spec, installed()), Cache(), workers=2)


def table(model: ModelSpec, variants: Iterable[tuple[str, dict[str, Any]]], data: PreparedCalibration) -> None:
    """Print one row per variant; the first one is that with which the others are compared."""
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    reference: list[npt.NDArray[Any]] = []
    texts = list(data.texts)
    for name, options in variants:
        calibrates = installed().quantizer(name).record.calibrates
        spec = {"name": name, "options": options} | ({"calibration": CALIBRATED_ON} if calibrates else {})
        with built(model, QuantizerSpec.model_validate(spec), device="cpu", registry=installed()) as made:
            source = made.model.entry.record.open(made.model.checkpoint, made.model.options)
            pixels = np.array(data.pixels(source.preprocessing.geometry))
            encoder: Any = made.variant.encoder
            asked = ((encoder.encode_images, pixels), (encoder.encode_texts, texts))
            found = [embedded(encode, part) for encode, part in asked]
            speeds = [fastest(encode, part[:BATCH]) for encode, part in asked]
        reference, coverage = reference or found, made.variant.coverage
        whole = summarise([("", "", coverage)]).set_index("tower").loc["all"]
        cells = [
            f"`{made.quantizer.label}`",
            *(f"{speed:,.0f}" for speed in speeds),
            f"{coverage.model_bytes / 1e6:.1f}" if coverage.model_bytes else "–",
            f"{whole['median_error']:.2g}",
            *(f"{value:.1e}" for a, b in zip(reference, found, strict=True) for value in distances(a, b)),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


def embedded(encode: Callable[[Any], npt.NDArray[Any]], part: Any) -> npt.NDArray[Any]:
    """The embeddings of all images or texts, in batches."""
    return np.concatenate([encode(part[i : i + BATCH]) for i in range(0, len(part), BATCH)])


def fastest(encode: Callable[[Any], object], batch: Any) -> float:
    """Images or texts per second in the fastest of some repetitions."""
    seconds = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        encode(batch)
        seconds.append(time.perf_counter() - begun)
    return len(batch) / min(seconds)


def distances(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> tuple[float, float]:
    """The median and the largest of one minus the cosine of two rows."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    found = 1 - (x * y).sum(1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1))
    return max(statistics.median(found), 0.0), max(float(found.max()), 0.0)


def main() -> None:
    """Read the command line and print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full-size", action="store_true", help="measure a ViT-B-32 with random weights too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, quiet(Path(name) / "log"):
        data = drawn(EMBEDDED)
        packages = [f"{package} {version}" for package, version in versions(PACKAGES).items()]
        print(
            HEAD.format(
                machine=", ".join([numerics("cpu"), *packages]),
                repeats=REPEATS,
                batch=BATCH,
                images=len(data.items.images),
                texts=len(data.texts),
                calibrated=CALIBRATED_ON["items"],
            ).rstrip()
        )
        print(TRAINED)
        table(ModelSpec.model_validate("demo/balanced"), (*VARIANTS, *MORE), data)
        if arguments.full_size:
            folder = Path(name) / "ViT-B-32"
            write_untrained("ViT-B-32", folder)
            print(FULL)
            table(find_model(str(folder), installed()), VARIANTS, data)


if __name__ == "__main__":
    main()
