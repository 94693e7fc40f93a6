"""COCO's pictures and captions, from COCO's own annotation file or from Karpathy's split."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qbench.api import DataError
from qbench.data.tables import read_json, relative
from qbench_benchmarks import COCO


@dataclass(kw_only=True)
class Captioned:
    """A picture and all of its captions, raw.

    Attributes
    ----------
    number : int
        COCO's number of the picture.
    file : str
        Its path below the dataset's folder.
    captions : list of str
        In the order of their numbers.
    """

    number: int
    file: str
    captions: list[str] = field(default_factory=list)


def read_val2017(root: Path) -> tuple[list[Captioned], Path]:
    """``annotations/captions_val2017.json`` → all pictures by number, and the file that was read."""
    path = root / "annotations" / "captions_val2017.json"
    content = read_json(path, how_to_get=COCO.how_to_get)
    pictures: dict[int, Captioned] = {}
    for i, image in enumerate(_list(content, "images", path)):
        where = f"{path}:images[{i}]"
        number, name = _get(image, "id", int, where), _get(image, "file_name", str, where)
        if number in pictures:
            raise DataError(f"the picture {number} was there before", where=where)
        pictures[number] = Captioned(number=number, file=(Path("val2017") / relative(name, where)).as_posix())
    captions: dict[int, tuple[int, str]] = {}
    for i, annotation in enumerate(_list(content, "annotations", path)):
        where = f"{path}:annotations[{i}]"
        number, owner = _get(annotation, "id", int, where), _get(annotation, "image_id", int, where)
        if number in captions:
            raise DataError(f"the caption {number} was there before", where=where)
        if owner not in pictures:
            raise DataError(f"the caption {number} is of the picture {owner}, which is not listed", where=where)
        captions[number] = owner, _caption(_get(annotation, "caption", str, where), where)
    for number in sorted(captions):
        owner, text = captions[number]
        pictures[owner].captions.append(text)
    return [pictures[number] for number in sorted(pictures)], path


def read_karpathy_test(root: Path) -> tuple[list[Captioned], Path]:
    """``dataset_coco.json`` (at the top or in ``annotations/``) → the pictures of its test split."""
    path = root / "dataset_coco.json"
    if not path.exists():
        path = root / "annotations" / "dataset_coco.json"
    content = read_json(path, how_to_get=COCO.how_to_get)
    pictures: dict[int, Captioned] = {}
    for i, image in enumerate(_list(content, "images", path)):
        where = f"{path}:images[{i}]"
        if _get(image, "split", str, where) != "test":
            continue
        number = _get(image, "cocoid", int, where)
        if number in pictures:
            raise DataError(f"the picture {number} was there before", where=where)
        folder, name = _get(image, "filepath", str, where), _get(image, "filename", str, where)
        sentences = _list(image, "sentences", path, where)
        raw = [_caption(_get(sentence, "raw", str, where), where) for sentence in sentences]
        pictures[number] = Captioned(number=number, file=relative(f"{folder}/{name}", where).as_posix(), captions=raw)
    return [pictures[number] for number in sorted(pictures)], path


def _list(content: Any, name: str, path: Path, where: str = "") -> list[Any]:
    found = content.get(name)
    if not isinstance(found, list):
        raise DataError(f"there is no list {name!r}", where=where or str(path), fix=COCO.how_to_get)
    return found


def _get(content: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(content, dict) or not isinstance(content.get(name), kind):
        raise DataError(f"{name!r} is missing or is no {kind.__name__}", where=where)
    return content[name]


def _caption(text: str, where: str) -> str:
    if not text.strip():
        raise DataError("the caption is empty", where=where)
    return text
