"""Reads and writes the ``preprocessor_config.json`` of a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qbench.api import Geometry, ModelError, Preprocessing
from qbench.api.benchmarks import read_json_object

RESAMPLE = {2: "bilinear", 3: "bicubic"}
"""PIL's numbers of the filters, which ``preprocessor_config.json`` uses."""


def read_json(path: Path) -> dict[str, Any]:
    """Read one of a checkpoint's files; raises `ModelError`."""
    return read_json_object(path, error=ModelError)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object, indented."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_preprocessing(folder: Path) -> Preprocessing:
    """Read the preprocessing of a checkpoint.

    With a size for the shortest edge, as for CLIP, the image is scaled and its centre is cut out. With a height and a
    width, as for SigLIP, both sides are scaled to them.

    Raises
    ------
    ModelError
        The file is missing, or asks for something that qbench does not support.
    """
    path, config = _settings(folder)
    try:
        return _preprocessing(config)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"not supported ({type(error).__name__}: {error})", where=str(path)) from None


def write_preprocessing(source: Path, target: Path, preprocessing: Preprocessing) -> None:
    """Write the settings of the folder `source` into `target`, with the mean and standard deviation that are used.

    They may differ from those of the folder, which are wrong on some hub pages.
    """
    used = {"image_mean": list(preprocessing.mean), "image_std": list(preprocessing.std)}
    write_json(target / "preprocessor_config.json", {**_settings(source)[1], **used})


def _settings(folder: Path) -> tuple[Path, dict[str, Any]]:
    path = folder / "preprocessor_config.json"
    if path.exists() or not (folder / "processor_config.json").exists():
        return path, read_json(path)
    path = folder / "processor_config.json"  # transformers 5 stores all parts of a processor in one file
    return path, read_json(path).get("image_processor", {})


def _preprocessing(config: dict[str, Any]) -> Preprocessing:
    size = config["size"]
    crop = config.get("crop_size", size)
    squash = isinstance(size, dict) and "shortest_edge" not in size
    sides = [size["height"], size["width"]] if squash else [size if isinstance(size, int) else size["shortest_edge"]]
    if squash and not config.get("do_center_crop"):
        crop = size  # the crop size is not used
    sides += [crop] if isinstance(crop, int) else [crop.get("height", sides[0]), crop.get("width", sides[0])]
    if len(set(sides)) > 1 or not (squash or config.get("do_center_crop", True)):
        raise ValueError("the result must be a square that is scaled, and cut at most once")
    mean, std = config["image_mean"], config["image_std"]
    if len(mean) != 3 or len(std) != 3:
        raise ValueError("image_mean and image_std must have three channels")
    return Preprocessing(
        geometry=Geometry(
            size=int(sides[0]),
            resize="squash" if squash else "shortest",
            interpolation=RESAMPLE[config.get("resample", 3)],  # type: ignore[arg-type]
        ),
        mean=tuple(mean),
        std=tuple(std),
    )
