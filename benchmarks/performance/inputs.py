"""What is measured on: photographs that are drawn, checkpoints with random weights, and specs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = tuple(f"thing {number}" for number in range(10))
TEMPLATE = "a photo of a {}."
PHOTOGRAPH = (500, 375)
"""Width and height of most images of ImageNet and COCO after their usual scaling."""


def draw(number: int, folder: Path, size: tuple[int, int]) -> None:
    """Draw one image: smooth colours with the noise of a camera, which as a JPEG are as large as a photograph."""
    rng = np.random.default_rng(number)
    smooth = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noisy = np.asarray(smooth, dtype=np.int16) + rng.integers(-10, 11, (size[1], size[0], 1), dtype=np.int16)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / name_of(number), quality=85)


def name_of(number: int) -> str:
    """The path of an image below the folder of all images."""
    return f"{number % len(CLASSES)}/{number:06d}.jpg"


def write_images(folder: Path, count: int, size: tuple[int, int] = PHOTOGRAPH) -> Path:
    """Write `count` images in one folder per class, and a ``dataset.toml`` above them. Returns the folder of both."""
    images = folder / "images"
    for number in range(len(CLASSES)):
        (images / str(number)).mkdir(parents=True)
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(draw, folder=images, size=size), range(count), chunksize=64))
    rows = (f"{name_of(i)},{CLASSES[i % len(CLASSES)]},{'ab'[i // len(CLASSES) % 2]}" for i in range(count))
    (folder / "items.csv").write_text("\n".join(("file,class,half", *rows)) + "\n", encoding="utf-8")
    describe(folder)
    return folder


def describe(folder: Path, min_group: int = 10) -> None:
    """Write the description of the images; `min_group` is an option that changes a metric and nothing else."""
    text = f"""name = "drawn"
protocol = "classification-disparity"
licence = "CC0-1.0"
perceived = true
min_group = {min_group}
[table]
file = "items.csv"
image = "file"
folder = "images"
label = "class"
[prompts]
template = "{TEMPLATE}"
classes = {json.dumps(CLASSES)}
[attributes.half]
values = {{ first = "a", second = "b" }}
"""
    (folder / "dataset.toml").write_text(text, encoding="utf-8")


def write_weights(folder: Path, architecture: str, seed: int) -> Path:
    """Write a checkpoint with random weights in open_clip's format, which both qbench and its peer read."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    model = open_clip.create_model(architecture)
    settings = {
        "model_cfg": open_clip.get_model_config(architecture),
        "preprocess_cfg": {"mean": list(open_clip.OPENAI_DATASET_MEAN), "std": list(open_clip.OPENAI_DATASET_STD)},
    }
    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(json.dumps(settings), encoding="utf-8")
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / WEIGHTS)
    return folder


WEIGHTS = "open_clip_model.safetensors"


def write_spec(
    file: Path, models: Iterable[Path | str], dataset: Path, quantizers: Iterable[str] = ("fp32",), batch_size: int = 64
) -> Path:
    """Write a spec that evaluates `models` on `dataset`; a text is the name of a model, a path its folder."""
    named = [
        {"source": "clip", "label": model.name, "options": {"path": str(model)}} if isinstance(model, Path) else model
        for model in models
    ]
    entries = ", ".join(json.dumps(m) if isinstance(m, str) else _inline(m) for m in named)
    file.write_text(
        f'name = "{file.stem}"\nbatch_size = {batch_size}\nmodels = [{entries}]\n'
        f"quantizers = {json.dumps(list(quantizers))}\n"
        f'benchmarks = [{{ name = "declared", root = {json.dumps(str(dataset))} }}]\n',
        encoding="utf-8",
    )
    return file


def _inline(table: dict[str, object]) -> str:
    """A TOML inline table."""
    values = (
        f"{key} = {_inline(value) if isinstance(value, dict) else json.dumps(value)}" for key, value in table.items()
    )
    return "{ " + ", ".join(values) + " }"
