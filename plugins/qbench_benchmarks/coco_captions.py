"""COCO's images and captions, from COCO's own annotation file or from Karpathy's split in any of three formats."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qbench.api import DataError
from qbench.api.benchmarks import read_json, read_json_object, relative_path
from qbench_benchmarks import COCO

KARPATHY = ("dataset_coco.json", "coco_test_karpathy.json", "coco_karpathy_test.json")
"""Karpathy's own file, which has all splits, and the files with the test split of CLIP_benchmark and of BLIP."""


@dataclass(kw_only=True)
class Captioned:
    """An image and all of its captions as the file has them.

    Attributes
    ----------
    number : int
        The number of the image in COCO.
    file : str
        Its path below the dataset's folder.
    where : str
        The place in the annotation file that names it.
    captions : list of str
        The captions, in the order of their numbers.
    """

    number: int
    file: str
    where: str
    captions: list[str] = field(default_factory=list)


def read_val2017(root: Path) -> tuple[list[Captioned], Path]:
    """``annotations/captions_val2017.json`` → all images by number, and the file that was read."""
    path = root / "annotations" / "captions_val2017.json"
    return _of_annotations(read_json_object(path, error=DataError, fix=COCO.how_to_get), path, "val2017"), path


def read_karpathy_test(root: Path) -> tuple[list[Captioned], Path]:
    """The test split's images by number, from the first of the `KARPATHY` files (at the top or in ``annotations/``).

    Three formats are in use under these names, and each is known by its content: Karpathy's own (``split`` and
    ``sentences`` of each image), COCO's (``images`` and ``annotations``), and a list of ``image`` and ``caption``.
    """
    candidates = [root / folder / name for name in KARPATHY for folder in (".", "annotations")]
    path = next((path for path in candidates if path.exists()), candidates[0])
    content = read_json(path, error=DataError, fix=COCO.how_to_get)
    if isinstance(content, list):
        return _of_list(content, path), path
    if not isinstance(content, dict):
        raise DataError("the file holds neither a JSON object nor a list", where=str(path), fix=COCO.how_to_get)
    if "annotations" in content:
        return _of_annotations(content, path, "val2014"), path
    return _of_sentences(content, path), path


def _of_annotations(content: dict[str, Any], path: Path, folder: str) -> list[Captioned]:
    images: dict[int, Captioned] = {}
    for i, image in enumerate(_list(content, "images", path)):
        where = f"{path}:images[{i}]"
        number, name = _get(image, "id", int, where), _get(image, "file_name", str, where)
        _add(images, number, (Path(folder) / relative_path(name, where)).as_posix(), where)
    captions: dict[int, tuple[int, str]] = {}
    for i, annotation in enumerate(_list(content, "annotations", path)):
        where = f"{path}:annotations[{i}]"
        number, owner = _get(annotation, "id", int, where), _get(annotation, "image_id", int, where)
        if number in captions:
            raise DataError(f"the caption {number} occurs already", where=where)
        if owner not in images:
            raise DataError(f"the caption {number} is of the image {owner}, which is not listed", where=where)
        captions[number] = owner, _caption(_get(annotation, "caption", str, where), where)
    for number in sorted(captions):
        owner, text = captions[number]
        images[owner].captions.append(text)
    return [images[number] for number in sorted(images)]


def _of_sentences(content: dict[str, Any], path: Path) -> list[Captioned]:
    images: dict[int, Captioned] = {}
    for i, image in enumerate(_list(content, "images", path)):
        where = f"{path}:images[{i}]"
        if _get(image, "split", str, where) != "test":
            continue
        number = _get(image, "cocoid", int, where)
        folder, name = _get(image, "filepath", str, where), _get(image, "filename", str, where)
        raw = (_get(sentence, "raw", str, where) for sentence in _list(image, "sentences", path, where))
        _add(images, number, relative_path(f"{folder}/{name}", where).as_posix(), where, raw)
    return [images[number] for number in sorted(images)]


def _of_list(content: list[Any], path: Path) -> list[Captioned]:
    images: dict[int, Captioned] = {}
    for i, image in enumerate(content):
        where = f"{path}:[{i}]"
        file = relative_path(_get(image, "image", str, where), where)
        number = re.search(r"(\d+)$", file.stem)
        if number is None:
            raise DataError(f"the image {file.name!r} does not end on its number in COCO", where=where)
        raw = _list(image, "caption", path, where)
        if not all(isinstance(text, str) for text in raw):
            raise DataError("'caption' has values that are not texts", where=where)
        _add(images, int(number[1]), file.as_posix(), where, raw)
    return [images[number] for number in sorted(images)]


def _add(images: dict[int, Captioned], number: int, file: str, where: str, captions: Iterable[str] = ()) -> None:
    if number in images:
        raise DataError(f"the image {number} occurs already", where=where)
    raw = [_caption(text, where) for text in captions]
    images[number] = Captioned(number=number, file=file, where=where, captions=raw)


def _list(content: Any, name: str, path: Path, where: str = "") -> list[Any]:
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise DataError(f"there is no list {name!r}", where=where or str(path), fix=COCO.how_to_get)
    return found


def _get(content: Any, name: str, kind: type, where: str) -> Any:
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, kind) or isinstance(found, bool):
        raise DataError(f"{name!r} is missing or is not a value of type {kind.__name__}", where=where)
    return found


def _caption(text: str, where: str) -> str:
    if not text.strip():
        raise DataError("the caption is empty", where=where)
    return text
