"""Which planted faults `qbench diagnose` names: see docs/diagnosis.md.

Run: ``python benchmarks/diagnosis_faults.py [--limit 1000]`` (several minutes on two cores; the demo's checkpoint and
drawings, no network). Each fault is planted in a copy of the checkpoint ``demo/balanced``, or is what a method does.
The spec, and the original as a reference, are what a user would have.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import qbench
import qbench_demo
from qbench.errors import QbenchError

ORIGINAL = Path(qbench_demo.__file__).parent / "checkpoints" / "balanced"
Fault = Callable[[Path], None]


@contextmanager
def edited(path: Path) -> Iterator[dict[str, Any]]:
    """The content of a JSON file, written back afterwards."""
    values = json.loads(path.read_text(encoding="utf-8"))
    yield values
    path.write_text(json.dumps(values), encoding="utf-8")


@contextmanager
def weights(folder: Path) -> Iterator[dict[str, torch.Tensor]]:
    """The weights of a checkpoint, written back afterwards."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    yield tensors
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata={"format": "pt"})


def preprocessing(**changes: Any) -> Fault:
    """Other settings of the images."""

    def plant(folder: Path) -> None:
        with edited(folder / "preprocessor_config.json") as values:
            values.update(changes)

    return plant


def activation(name: str) -> Fault:
    """Another activation function in both towers."""

    def plant(folder: Path) -> None:
        with edited(folder / "config.json") as values:
            for tower in ("vision_config", "text_config"):
                values[tower]["hidden_act"] = name

    return plant


def bgr(folder: Path) -> None:
    """The channels of the images in the other order: the first layer has them so."""
    with weights(folder) as tensors:
        name = "vision_model.embeddings.patch_embedding.weight"
        tensors[name] = tensors[name].flip(1)


def nan_tower(folder: Path) -> None:
    """A weight of the image tower that is not a number."""
    with weights(folder) as tensors:
        tensors["visual_projection.weight"][0, 0] = float("nan")


def positions(folder: Path) -> None:
    """Texts that begin eight positions later, as if they were padded before the text."""
    with weights(folder) as tensors:
        name = "text_model.embeddings.position_embedding.weight"
        tensors[name] = tensors[name].roll(-8, 0)


def pooling(folder: Path) -> None:
    """The embedding of a text is read at its first token."""
    with edited(folder / "config.json") as values:
        values["text_config"]["eos_token_id"] = values["text_config"]["bos_token_id"]


def swapped(folder: Path) -> None:
    """The projection of the images in the place of that of the texts."""
    with weights(folder) as tensors:
        one, other = "visual_projection.weight", "text_projection.weight"
        tensors[one], tensors[other] = tensors[other], tensors[one]


def overflow(folder: Path) -> None:
    """Values of 100,000 between two layers, which single precision has and half precision does not."""
    with weights(folder) as tensors:
        for layer in ("vision_model.encoder.layers.0",):
            for name in ("weight", "bias"):
                tensors[f"{layer}.self_attn.v_proj.{name}"] *= 1e6
            tensors[f"{layer}.self_attn.out_proj.weight"] /= 1e6


def black_images(folder: Path) -> dict[str, Any]:
    """Calibration data in which nothing is to be seen."""
    images = folder / "black"
    images.mkdir()
    for number in range(4):
        Image.new("RGB", (64, 64), (number, number, number)).save(images / f"{number}.png")
    (folder / "texts.txt").write_text("a\nb\nc\nd\n", encoding="utf-8")
    return {"folder": str(images), "texts": str(folder / "texts.txt"), "items": 4}


UNCALIBRATED = {"name": "ort-int8-static"}
FAULTS: tuple[tuple[str, Fault | None, Any, str], ...] = (
    ("ReLU in place of QuickGELU", activation("relu"), None, "export"),
    ("texts at other positions", positions, None, "export"),
    ("texts read at their first token", pooling, None, "export"),
    ("half precision overflows", overflow, "fp16", "cast to fp16"),
    ("weights in 4 bits", None, {"name": "hf-int4", "options": {"quant_type": "fp4"}}, "precision of weights"),
    (
        "nine of ten weights zero",
        None,
        {"name": "prune-magnitude", "options": {"sparsity": 0.9}},
        "precision of weights",
    ),
    ("activations calibrated on black images", None, UNCALIBRATED, "precision of activations"),
    ("nothing, int8", None, "hf-int8", ""),
    ("nothing, a copy", lambda folder: None, None, ""),
    ("wrong mean", preprocessing(image_mean=[0.0, 0.0, 0.0]), None, "preprocessing: mean"),
    ("wrong standard deviation", preprocessing(image_std=[0.05, 0.05, 0.05]), None, "preprocessing: std"),
    (
        "images squashed",
        preprocessing(size={"height": 64, "width": 64}, do_center_crop=False),
        None,
        "preprocessing: resize",
    ),
    ("wrong interpolation", preprocessing(resample=2), None, "preprocessing: interpolation"),
    ("channels in the order BGR", bgr, None, "export"),
    ("QuickGELU missing", activation("gelu"), None, "export"),
    ("projections of the towers swapped", swapped, None, "export"),
    ("a weight that is not a number", nan_tower, None, "export"),
)
"""What is planted, how, the quantizer, and the step that has to be named."""


def named(plant: Fault | None, quantizer: Any, folder: Path, limit: int) -> str:
    """The steps that are named, with the tower; or why it is refused."""
    checkpoint = folder / "checkpoint"
    shutil.copytree(ORIGINAL, checkpoint)
    if plant is not None:
        plant(checkpoint)
    if quantizer is UNCALIBRATED:
        quantizer = {**quantizer, "calibration": black_images(folder)}
    spec = {
        "name": "fault",
        "models": [{"source": "clip", "label": "suspect", "options": {"path": str(checkpoint)}}],
        "quantizers": ["fp32", *([quantizer] if quantizer else [])],
        "benchmarks": [{"name": "facet", "dataset": "demo-facet"}],
        "limit": limit,
    }
    reference = None if quantizer else {"source": "clip", "options": {"path": str(ORIGINAL)}}
    try:
        found = qbench.diagnose(spec, reference, out=folder / "runs")
    except QbenchError as error:
        return f"refused: {error.what}"
    tower = [link.name.rpartition(", ")[2] for link in found.towers for x in link.losses if x.shown(found.alpha)]
    return "; ".join(found.named) + (f" ({', '.join(tower)})" if tower else "")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=1000)
    given = parser.parse_args()
    print(f"`python benchmarks/{Path(__file__).name} --limit {given.limit}`\n")
    print("| planted | step | named |\n|---|---|---|")
    for name, plant, quantizer, step in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            found = named(plant, quantizer, Path(folder), given.limit)
        print(f"| {name} | {step or '–'} | {found or '–'} |", flush=True)


if __name__ == "__main__":
    main()
