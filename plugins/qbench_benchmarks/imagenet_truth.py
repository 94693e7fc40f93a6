"""The labels of ImageNet's flat validation images: ``LOC_val_solution.csv``, or the devkit's ground truth.

The devkit numbers the classes 1 to 1,000 in an order of its own: **not** that of the sorted synsets, which is the class
index of every model. A sorted list (``LOC_synset_mapping.txt``, Caffe's ``synset_words.txt``) taken for that order
gives wrong labels without an error; so it is refused, and only a file that lists the numbers is used: ``meta.mat`` or
``map_clsloc.txt``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbench.api import DataError
from qbench.api.benchmarks import check_unique, read_csv, read_lines
from qbench_benchmarks import IMAGENET, imagenet_classes

SOLUTION = "LOC_val_solution.csv"
GROUND_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
NUMBERED = ("meta.mat", "map_clsloc.txt")
SORTED = ("LOC_synset_mapping.txt", "synset_words.txt", "synsets.txt")
PLACES = ("", "data", "devkit", "devkit/data", "ILSVRC2012_devkit_t12", "ILSVRC2012_devkit_t12/data", "val")
IMAGE = re.compile(r"ILSVRC2012_val_\d{8}")
CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Which image has which synset.

    Attributes
    ----------
    labels : list of (str, str, str)
        Name of the image without its suffix, its synset, and the row that gives it.
    files : tuple of pathlib.Path
        What was read.
    """

    labels: list[tuple[str, str, str]]
    files: tuple[Path, ...]


def read_truth(root: Path) -> Truth:
    """Read the labels of a flat folder.

    Raises
    ------
    DataError
        There are no labels, nothing says what the devkit's numbers mean, or a row is malformed.
    """
    solution = _find(root, (SOLUTION,))
    if solution is not None:
        return _of_solution(solution)
    truth = _find(root, (GROUND_TRUTH,))
    if truth is None:
        raise DataError(
            f"the images are all in one folder, and neither {SOLUTION} nor {GROUND_TRUTH} says their classes",
            where=str(root),
            fix=IMAGENET.how_to_get,
        )
    return _of_devkit(truth, root)


def _find(root: Path, names: tuple[str, ...]) -> Path | None:
    found = (root / place / name for name in names for place in PLACES)
    return next((path for path in found if path.is_file()), None)


def _of_solution(path: Path) -> Truth:
    """``ImageId,PredictionString``: the boxes of an image. Each begins with the synset, which is the same for all."""
    table = read_csv(path, ("ImageId", "PredictionString"), how_to_get=IMAGENET.how_to_get)
    check_unique(table.columns["ImageId"], "image", table=table)
    known = {*imagenet_classes.synsets()}
    labels = []
    for row, (name, said) in enumerate(zip(table.columns["ImageId"], table.columns["PredictionString"], strict=True)):
        where = table.where(row)
        if not IMAGE.fullmatch(name):
            raise DataError(f"the image {name!r} is not named like ILSVRC2012_val_00000001", where=where)
        synsets = {word for word in said.split() if word.startswith("n")}
        if len(synsets) != 1 or not synsets <= known:
            what = f"the synsets {', '.join(sorted(synsets))}" if synsets else f"{said[:40]!r}, which names no synset"
            raise DataError(f"{name} has {what}; it needs one of the 1,000 of ILSVRC2012", where=where)
        labels.append((name, synsets.pop(), where))
    return Truth(labels=labels, files=(path,))


def _of_devkit(path: Path, root: Path) -> Truth:
    """One number from 1 to 1,000 per line; line i belongs to image i."""
    numbers_from = _find(root, NUMBERED)
    if numbers_from is None:
        beside = _find(root, SORTED)
        also = f" ({beside.name} lists the synsets sorted, which is another order)" if beside else ""
        raise DataError(
            f"nothing says which synsets the devkit's numbers 1 to 1,000 are{also}",
            where=str(path),
            fix=f"Put the devkit's meta.mat beside it (or map_clsloc.txt), or use {SOLUTION}, which names synsets.",
        )
    is_table = numbers_from.suffix == ".mat"
    synset_of = _of_mat(numbers_from) if is_table else _of_map(numbers_from)
    if set(synset_of.values()) != {*imagenet_classes.synsets()} or set(synset_of) != set(range(1, CLASSES + 1)):
        raise DataError("it does not give each of ILSVRC2012's 1,000 synsets a number", where=str(numbers_from))
    labels = []
    for i, line in enumerate(read_lines(path, how_to_get=IMAGENET.how_to_get), start=1):
        where = f"{path}:row {i}"
        if not (line.strip().isascii() and line.strip().isdigit()) or int(line) not in synset_of:
            raise DataError(f"{line.strip()[:40]!r} is not a number from 1 to 1,000", where=where)
        labels.append((f"ILSVRC2012_val_{i:08}", synset_of[int(line)], where))
    return Truth(labels=labels, files=(path, numbers_from))


def _of_mat(path: Path) -> dict[int, str]:
    """``ILSVRC2012_ID`` and ``WNID`` of ``synsets``; inner nodes of the hierarchy have numbers above 1,000."""
    from scipy.io import loadmat

    try:
        rows: Any = loadmat(path, squeeze_me=True, variable_names=["synsets"])["synsets"]
        numbered = {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in rows}
    except Exception as error:  # noqa: BLE001 - scipy raises errors of many types for a damaged file
        raise DataError(
            f"this is not the meta.mat of the devkit ({type(error).__name__}: {error})",
            where=str(path),
            fix=IMAGENET.how_to_get,
        ) from None
    return {number: synset for number, synset in numbered.items() if number <= CLASSES}


def _of_map(path: Path) -> dict[int, str]:
    """One class per line, such as ``n02119789 1 kit_fox``."""
    found: dict[int, str] = {}
    for i, line in enumerate(read_lines(path, how_to_get=IMAGENET.how_to_get), start=1):
        words = line.split()
        if len(words) < 2 or not (words[1].isascii() and words[1].isdigit()):
            raise DataError(f"{line.strip()[:40]!r} is not a synset and its number", where=f"{path}:row {i}")
        found[int(words[1])] = words[0]
    return found
