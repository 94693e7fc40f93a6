"""GPTQ and rounding to the nearest on one trained CLIP, at several numbers of bits and with several calibration sets.

Run: ``python benchmarks/gptq_bits.py MODEL IMAGES --texts FILE`` (it needs qbench-example-calibrated). MODEL is
a folder in transformers' format, IMAGES a folder of images, FILE has one text per line. Half of the images and of the
texts, drawn once, are embedded; each calibration set is drawn from the other halves. It prints a table: of each error
the median over the calibration sets, with the lowest and the highest.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qbench_example_calibrated import GptqOptions, gptq

from qbench.api import Context
from qbench.execution.calibration import PreparedCalibration, prepare_calibration
from qbench.execution.plan import plan_calibration
from qbench.execution.quiet import quiet
from qbench.plugins.registry import installed
from qbench.spec.model import CalibrationSpec
from qbench.store.cache import Cache
from qbench_clip import qbench_models

AT_ONCE = 100
Floats = npt.NDArray[np.float64]
COLUMNS = (
    *("bits", "method", "image embeddings", "largest", "text embeddings", "largest"),
    *("images with another nearest text", "calibration sets in which GPTQ is nearer"),
)


def halves(images: Path, texts: Path, folder: Path) -> tuple[CalibrationSpec, CalibrationSpec]:
    """Copy the images and texts into two halves: to be embedded, and to be drawn from for calibration."""
    rng = np.random.default_rng(0)
    files = rng.permutation(sorted(path for path in images.iterdir() if path.is_file()))
    lines = rng.permutation(texts.read_text("utf-8").split("\n"))
    specs = []
    for name, some, said in (
        ("embedded", files[::2], lines[::2]),
        ("calibration", files[1::2], lines[1::2]),
    ):
        (folder / name).mkdir()
        for path in some:
            shutil.copy(path, folder / name)
        words = folder / f"{name}.txt"
        words.write_text("\n".join(line for line in said if line), "utf-8")
        specs.append(CalibrationSpec(folder=str(folder / name), texts=str(words), items=len(some)))
    return specs[0], specs[1]


def drawn(spec: CalibrationSpec) -> PreparedCalibration:
    """Images and texts of a half."""
    return prepare_calibration(plan_calibration(spec, installed()), Cache(), workers=2)


def embedded(encoder: Any, pixels: npt.NDArray[np.uint8], texts: list[str]) -> tuple[Floats, Floats]:
    """The embeddings of all images and texts, of length 1."""
    found = (
        np.concatenate([encoder.encode_images(pixels[i : i + AT_ONCE]) for i in range(0, len(pixels), AT_ONCE)]),
        encoder.encode_texts(texts),
    )
    images, words = (x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1)[:, None] for x in found)
    return images, words


def errors(exact: tuple[Floats, Floats], found: tuple[Floats, Floats]) -> list[float]:
    """Of images and of texts: the median and the largest of one minus the cosine; then the share of other answers."""
    away = [1 - (a * b).sum(axis=1) for a, b in zip(exact, found, strict=True)]
    other = (exact[0] @ exact[1].T).argmax(axis=1) != (found[0] @ found[1].T).argmax(axis=1)
    return [float(f(part)) for part in away for f in (np.median, np.max)] + [float(other.mean())]


def cells(of_sets: list[list[float]]) -> list[str]:
    """Each error over the calibration sets: the median, and the range where there are several."""
    made = []
    for i, values in enumerate(zip(*of_sets, strict=True)):
        show = "{:.1%}" if i == 4 else "{:.1e}"
        low, middle, high = (show.format(x) for x in (min(values), statistics.median(values), max(values)))
        made.append(middle if len(values) == 1 else f"{middle} ({low} to {high})")
    return made


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--bits", type=int, nargs="+", default=[4, 3])
    parser.add_argument("--seeds", type=int, default=5, help="how many calibration sets")
    parser.add_argument("--items", type=int, default=128, help="images of a calibration set")
    arguments = parser.parse_args()
    record = next(record for record in qbench_models() if record.name == "clip")
    checkpoint = record.open("measured", record.options(path=str(arguments.model)))
    with tempfile.TemporaryDirectory() as name, quiet(Path(name) / "log"):
        measured, pool = halves(arguments.images, arguments.texts, Path(name))
        data = drawn(measured)
        pixels, texts = np.array(data.pixels(checkpoint.preprocessing.geometry)), list(data.texts)
        sets = [
            drawn(pool.model_copy(update={"seed": seed, "items": arguments.items})) for seed in range(arguments.seeds)
        ]

        def found(calibration: PreparedCalibration, bits: int, *, compensate: bool) -> list[float]:
            options = GptqOptions(bits=bits, compensate=compensate)
            variant = gptq(checkpoint, Context(device="cpu", calibration=calibration), options)
            return errors(exact, embedded(variant.encoder, pixels, texts))

        exact = embedded(checkpoint.load(device="cpu", dtype="float32"), pixels, texts)
        print(f"{len(pixels)} images and {len(texts)} texts; {len(sets)} calibration sets of {arguments.items} images")
        print(f"\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for bits in arguments.bits:
            nearest = found(sets[0], bits, compensate=False)  # whatever the calibration set is
            print(f"| {bits} | rounding to the nearest | {' | '.join(cells([nearest]))} | |", flush=True)
            several = [found(calibration, bits, compensate=True) for calibration in sets]
            wins = [sum(one[i] < nearest[i] for one in several) for i in (0, 2)]
            nearer = f"images {wins[0]}, texts {wins[1]} of {len(several)}"
            print(f"| {bits} | GPTQ | {' | '.join(cells(several))} | {nearer} |", flush=True)


if __name__ == "__main__":
    main()
