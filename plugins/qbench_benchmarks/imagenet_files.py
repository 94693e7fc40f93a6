"""ImageNet's validation images and their synsets, in either layout: folders of synsets, or flat with labels.

The folder itself shows which layout it has. The labels of the flat layout are read by
`qbench_benchmarks.imagenet_truth`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from qbench.api import DataError
from qbench_benchmarks import IMAGENET, imagenet_classes
from qbench_benchmarks.imagenet_truth import read_truth

SYNSET = re.compile(r"n\d{8}")
FLAT = re.compile(r"ILSVRC2012_val_\d{8}\.JPEG")
SUFFIXES = (".jpeg", ".jpg", ".png")
FOLDERS = ("val", "ILSVRC2012_img_val", "ILSVRC/Data/CLS-LOC/val", "")
"""Where the images may be: in qbench's layout, the archive's, that of the competition's download, or in the root."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """An image and its synset.

    Attributes
    ----------
    file : str
        Its path below the dataset's folder.
    synset : str
        Such as ``n01440764``.
    where : str
        The row that gives the synset; empty where the folder's name does.
    """

    file: str
    synset: str
    where: str = ""


def read_images(root: Path) -> tuple[list[Labelled], tuple[Path, ...], str]:
    """List the images of either layout.

    Returns
    -------
    images : list of Labelled
        Ordered by synset and name (folders), or by number (flat: all that are listed, on disk or not).
    annotations : tuple of pathlib.Path
        The files that say which image has which label.
    layout : str
        In words, for the report.

    Raises
    ------
    DataError
        The folder has neither layout, a synset is unknown, or the labels of the flat layout are missing or malformed.
    """
    folders = [folder for folder in (root / name for name in FOLDERS) if folder.is_dir()]
    if not folders:
        raise DataError("the folder cannot be read", where=str(root), fix=IMAGENET.how_to_get)
    for folder in folders:
        names = _names(folder)
        synsets = sorted(name for name in names if SYNSET.fullmatch(name) and (folder / name).is_dir())
        if synsets:
            return _of_folders(root, folder, synsets), (), "a folder for each synset"
        if any(FLAT.fullmatch(name) for name in names):
            return _flat(root, folder)
    raise DataError(
        "there is neither a folder of a synset, such as n01440764, nor an image such as ILSVRC2012_val_00000001.JPEG",
        where=str(folders[0]),
        fix=IMAGENET.how_to_get,
    )


def _of_folders(root: Path, folder: Path, synsets: list[str]) -> list[Labelled]:
    known = {*imagenet_classes.synsets()}
    images = []
    for synset in synsets:
        if synset not in known:
            raise DataError("this synset is not one of the 1,000 classes of ILSVRC2012", where=str(folder / synset))
        place = (folder / synset).relative_to(root)
        names = (n for n in _names(folder / synset) if n.lower().endswith(SUFFIXES) and not n.startswith("."))
        images += [Labelled(file=(place / name).as_posix(), synset=synset) for name in sorted(names)]
    if not images:
        raise DataError("no folder of a synset has an image", where=str(folder), fix=IMAGENET.how_to_get)
    return images


def _flat(root: Path, folder: Path) -> tuple[list[Labelled], tuple[Path, ...], str]:
    truth = read_truth(root)
    place = folder.relative_to(root)
    images = [
        Labelled(file=(place / f"{name}.JPEG").as_posix(), synset=synset, where=where)
        for name, synset, where in sorted(truth.labels)
    ]
    return images, truth.files, f"flat, labels of {' and '.join(path.name for path in truth.files)}"


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError as error:
        raise DataError(
            f"the folder cannot be read ({error.strerror})", where=str(folder), fix=IMAGENET.how_to_get
        ) from None
