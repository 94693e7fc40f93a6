"""ImageNet zero-shot classification (Radford et al. 2021, section 3.1)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import DataError, Items, Metrics, Outcome, PictureRef, Prompts, Similarity
from qbench.metrics.answers import answers, positions
from qbench.metrics.builder import MetricsBuilder
from qbench.metrics.grouped import class_by_group
from qbench.metrics.weights import item_weights, mean_of_known, weighted_share
from qbench_benchmarks import IMAGENET, imagenet_classes
from qbench_benchmarks.options import ImageNetOptions

SYNSET = re.compile(r"n\d{8}")
SUFFIXES = (".jpeg", ".jpg", ".png")
TOP = 5


class ImageNet:
    """The task, see `qbench.metrics.interface.Task`."""

    def __init__(self, options: ImageNetOptions | None = None) -> None:
        self.options = options or ImageNetOptions()

    def data(self, root: Path) -> Items:
        """List ``val/<synset>/`` (or ``<synset>/``, where `root` is the folder of synsets)."""
        folder = root / "val" if (root / "val").is_dir() else root
        name_of = dict(zip(imagenet_classes.synsets(), imagenet_classes.labels(), strict=True))
        pictures: list[PictureRef] = []
        rows: list[dict[str, str]] = []
        for synset in _synset_folders(folder):
            if synset not in name_of:
                raise DataError("this synset is none of the 1,000 classes of ILSVRC2012", where=str(folder / synset))
            for name in _pictures(folder / synset):
                path = folder / synset / name
                pictures.append(PictureRef(path))
                place = path.relative_to(root).as_posix()
                rows.append({"item": place, "label": name_of[synset], "synset": synset, "image": place})
        if not rows:
            raise DataError("no folder of a synset has a picture", where=str(folder), fix=IMAGENET.how_to_get)
        table = pd.DataFrame(rows, dtype="str").assign(picture=np.arange(len(rows), dtype=np.int64))
        return Items(table=table, pictures=tuple(pictures), root=root, choices=self._choices())

    def prompts(self, items: Items) -> Prompts:
        """All templates of each candidate class, pooled."""
        texts: list[str] = []
        target_of: list[int] = []
        classes = self._classes(items)
        name_of = dict(zip(imagenet_classes.labels(), imagenet_classes.class_names(), strict=True))
        for i, label in enumerate(classes):
            filled = imagenet_classes.prompts(name_of[label], self.options.templates)
            texts += filled
            target_of += [i] * len(filled)
        return Prompts(texts=tuple(texts), targets=classes, target_of=np.array(target_of, dtype=np.int64), pool=True)

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Arg-max over the classes."""
        classes = self._classes(items)
        accepted = positions(classes, items.table["label"])[:, None]
        table = answers(similarity, items, classes, accepted, ["image"])
        chance = [{"name": "top1", "chance": 1.0 / len(classes), "where": {}}]
        return Outcome(items=table, facts={"classes": list(classes), "chance": chance})

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Top-1, top-5 (where there are more than five classes), recall by class and its mean."""
        table, classes = outcome.items, outcome.facts["classes"]
        w = item_weights(weights, len(table))
        correct = table["correct"].to_numpy(dtype=bool)
        cells = class_by_group(
            correct,
            positions(classes, table["label"]),
            np.zeros(len(table), dtype=np.int64),
            shape=(len(classes), 1),
            weights=w,
        )
        recall = cells.class_recall
        numbers = MetricsBuilder()
        numbers.add("top1", weighted_share(correct, w), len(table))
        if len(classes) > TOP:
            numbers.add("top5", weighted_share(table["rank"].to_numpy() < TOP, w), len(table))
        numbers.add("mean_recall", mean_of_known(recall), int((cells.n > 0).sum()))
        for i, name in enumerate(classes):
            if cells.n[i, 0]:
                numbers.add("recall", recall[:, i], cells.n[i, 0], class_=name)
        return numbers.build()

    def _classes(self, items: Items) -> tuple[str, ...]:
        if self.options.classes == "all":
            return imagenet_classes.labels()
        there = set(items.table["label"])
        return tuple(name for name in imagenet_classes.labels() if name in there)

    def _choices(self) -> dict[str, str]:
        templates = {
            "openai-80": "OpenAI's 80 templates",
            "simple-7": "OpenAI's subset of 7 templates",
            "single": "“a photo of a {}.”",
        }
        return {
            "candidates": "all 1,000 classes" if self.options.classes == "all" else "the classes that have a picture",
            "prompts": f"{templates[self.options.templates]}, pooled, with open_clip's class names",
        }


def _synset_folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entry.name for entry in entries if SYNSET.fullmatch(entry.name) and entry.is_dir())
    except OSError as error:
        raise DataError(
            f"the folder cannot be read ({error.strerror})", where=str(folder), fix=IMAGENET.how_to_get
        ) from None
    if not found:
        raise DataError("there is no folder of a synset, such as n01440764", where=str(folder), fix=IMAGENET.how_to_get)
    return found


def _pictures(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    return sorted(name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))
