"""Reads and writes the ``preprocessor_config.json`` of a folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

from qbench.api import Geometry, ModelError, Preprocessing
from qbench.api.benchmarks import read_json_object

RESAMPLE: dict[Any, Literal["bilinear", "bicubic"]] = {2: "bilinear", 3: "bicubic"}
"""PIL's numbers of the filters that are supported; ``preprocessor_config.json`` has these numbers."""

FILTERS = ("nearest", "Lanczos", "bilinear", "bicubic", "box", "Hamming")
"""All filters of PIL, by their numbers."""

READ = frozenset(
    {
        *("size", "crop_size", "resample", "do_resize", "do_center_crop", "do_rescale", "rescale_factor"),
        *("do_normalize", "image_mean", "image_std"),
    }
)
"""Settings that are honoured, or refused where their value is not supported."""

NO_PIXEL = frozenset(
    {
        *("image_processor_type", "feature_extractor_type", "processor_class", "_valid_processor_keys"),
        *("data_format", "input_data_format", "return_tensors", "device", "disable_grouping", "default_to_square"),
        *("do_convert_rgb", "use_square_size", "image_seq_length", "model_input_names"),
    }
)
"""Settings that change no pixel here, where every image is converted to RGB."""

NO_NORMALISATION = {"image_mean": [0.0] * 3, "image_std": [1.0] * 3}
"""Mean and standard deviation that leave the values between 0 and 1."""


def read_json(path: Path) -> dict[str, Any]:
    """Read one of a checkpoint's files; raises `ModelError`."""
    return read_json_object(path, error=ModelError)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object, indented."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_preprocessing(folder: Path) -> Preprocessing:
    """Read the preprocessing of a checkpoint.

    With a size for the shortest edge, as for CLIP, the image is scaled and its centre is cut out. With a height and a
    width, as for SigLIP, both sides are scaled to them. Without normalisation, the values stay between 0 and 1. Every
    setting that could change a pixel is honoured or refused.

    Raises
    ------
    ModelError
        The file is missing, or asks for something that qbench does not support.
    """
    path, config = image_settings(folder)
    try:
        return _preprocessing(config)
    except (ValueError, KeyError, TypeError) as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else error
        raise ModelError(f"not supported ({reason})", where=str(path)) from None


def write_preprocessing(source: Path, target: Path, preprocessing: Preprocessing) -> None:
    """Write the settings of the folder `source` into `target`, with the mean and standard deviation that are used.

    They may differ from those of the folder, which are wrong on some hub pages.
    """
    used = {"image_mean": list(preprocessing.mean), "image_std": list(preprocessing.std)}
    write_json(target / "preprocessor_config.json", {**image_settings(source)[1], **used})


def image_settings(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The file with the settings of the image processor, and what it says of them.

    transformers 5 stores all parts of a processor in ``processor_config.json``, and reads that file first; older
    versions know ``preprocessor_config.json`` only.

    Raises
    ------
    ModelError
        A file is missing or damaged, or two files say different things of a setting that decides pixels.
    """
    path, whole = folder / "preprocessor_config.json", folder / "processor_config.json"
    part = read_json(whole).get("image_processor") if whole.exists() else None
    if not isinstance(part, dict):
        return path, read_json(path)
    if not path.exists():
        return whole, part
    config = read_json(path)
    different = sorted(name for name in READ & config.keys() & part.keys() if config[name] != part[name])
    if different:
        name = different[0]
        raise ModelError(
            f"{name} is {config[name]!r}, but {part[name]!r} in {whole.name}: which one is used depends on the version "
            "of transformers",
            where=str(path),
            fix="Correct or remove the wrong one of the two files.",
        )
    return path, config


def _preprocessing(config: dict[str, Any]) -> Preprocessing:
    _check_settings(config)
    if not config.get("do_normalize", True):
        config = {**config, **NO_NORMALISATION}
    size = _size("size", config["size"], {"shortest_edge"}, {"height", "width"})
    crop = _size("crop_size", config["crop_size"], {"height", "width"}) if config.get("crop_size") else size
    if isinstance(size, int) and config.get("default_to_square"):
        raise ValueError("default_to_square = true: write size with a height and a width")
    squash = isinstance(size, dict) and "shortest_edge" not in size
    sides = [size["height"], size["width"]] if squash else [size if isinstance(size, int) else size["shortest_edge"]]
    if squash and not config.get("do_center_crop"):
        crop = size  # the crop size is not used
    sides += [crop] if isinstance(crop, int) else [crop.get("height", sides[0]), crop.get("width", sides[0])]
    if len(set(sides)) > 1 or not (squash or config.get("do_center_crop", True)):
        raise ValueError("the result must be a square that is scaled, and cut at most once")
    mean, std = config["image_mean"], config["image_std"]
    lists = isinstance(mean, list) and isinstance(std, list)
    if (
        not lists
        or len(mean) != 3
        or len(std) != 3
        or not all(math.isfinite(x) for x in (*mean, *std))
        or min(std) <= 0
    ):
        raise ValueError("image_mean and image_std must have three numbers each, and those of image_std be above 0")
    return Preprocessing(
        geometry=Geometry(
            size=int(sides[0]),
            resize="squash" if squash else "shortest",
            interpolation=RESAMPLE[config.get("resample", 3)],
        ),
        mean=tuple(mean),
        std=tuple(std),
    )


def _size(name: str, value: Any, *forms: set[str]) -> Any:
    """A whole number, or sides with their numbers in one of these forms; raises `ValueError` for anything else."""
    size = {side: x for side, x in value.items() if x is not None} if isinstance(value, dict) else value
    sides = size if isinstance(size, dict) else {"": size}
    if isinstance(size, dict) and set(size) not in forms:
        known = " or ".join(" and ".join(sorted(form)) for form in forms)
        raise ValueError(f"{name} = {value}: a number, or {known}, is supported")
    if not all(isinstance(x, int) for x in sides.values()):
        raise ValueError(f"{name} = {value}: this is not a whole number of pixels")
    return size


def _check_settings(config: dict[str, Any]) -> None:
    """Raise `ValueError` if a setting asks for other pixels than qbench can give."""
    for name in ("do_resize", "do_rescale"):
        if not config.get(name, True):
            raise ValueError(f"{name} = false: every image is scaled to the model's size, and its values to 0 to 1")
    factor = config.get("rescale_factor", 1 / 255)
    if not math.isclose(factor, 1 / 255, rel_tol=1e-6):
        raise ValueError(f"rescale_factor = {factor}: values are divided by 255")
    resample = config.get("resample", 3)
    if resample not in RESAMPLE:
        known = FILTERS[resample] if isinstance(resample, int) and 0 <= resample < len(FILTERS) else "unknown"
        supported = " and ".join(f"{number} ({name})" for number, name in RESAMPLE.items())
        raise ValueError(f"resample = {resample} ({known}); the filters {supported} are supported")
    unknown = sorted(name for name in config.keys() - READ - NO_PIXEL if config[name] not in (None, False))
    if unknown:
        raise ValueError(f"{unknown[0]} = {config[unknown[0]]!r} is a setting that could change the pixels")
