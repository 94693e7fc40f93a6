"""ImageNet zero-shot classification (Radford et al. 2021, section 3.1)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import DataError, FolderSource, ImageLocation, Items, Metrics, Outcome, Prompts, Similarity
from qbench.api.benchmarks import (
    LOG_SCALE,
    LOGIT_SCALE,
    MetricsBuilder,
    class_by_group,
    classification_table,
    item_weights,
    mean_of_known,
    positions,
    weighted_share,
)
from qbench.api.probes import Pairs
from qbench_benchmarks import imagenet_classes
from qbench_benchmarks.imagenet_files import read_images
from qbench_benchmarks.options import ImageNetOptions

TOP = 5


class ImageNet:
    """The task: see `qbench.api.Task`, and `PairsTask` of `qbench.api.probes`."""

    def __init__(self, options: ImageNetOptions | None = None) -> None:
        self.options = options or ImageNetOptions()

    def data(self, root: Path) -> Items:
        """List the images of either layout; see `qbench_benchmarks.imagenet_files`."""
        images, annotations, layout = read_images(root)
        wanted = imagenet_classes.subset(self.options.subset)
        if wanted is not None:
            images = [image for image in images if image.synset in wanted]
            if not images:
                raise DataError("no class of the subset has an image", where=str(root))
        name_of = dict(zip(imagenet_classes.synsets(), imagenet_classes.labels(), strict=True))
        rows = [{"item": x.file, "label": name_of[x.synset], "synset": x.synset, "image": x.file} for x in images]
        table = pd.DataFrame(rows, dtype="str").assign(image_index=np.arange(len(rows), dtype=np.int64))
        source = FolderSource(root)
        return Items(
            table=table,
            images=tuple(ImageLocation(source, x.file, row=x.where) for x in images),
            root=root,
            annotations=annotations,
            choices=self._choices(layout, wanted),
        )

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
        return Prompts(
            texts=tuple(texts),
            targets=classes,
            target_of=np.array(target_of, dtype=np.int64),
            pool=True,
            known_ties=imagenet_classes.classes_of_one_name(),
        )

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Predict the most similar class."""
        return self._outcome(similarity, items, LOGIT_SCALE)

    def pairs(self, items: Items) -> Pairs:
        """Each image is compared with all templates of every candidate class: affordable for a subset only."""
        return Pairs(prompts=self.prompts(items))

    def match(self, scores: Similarity, items: Items) -> Outcome:
        """Predict the class that fits best."""
        return self._outcome(scores, items, LOG_SCALE)

    def _outcome(self, similarity: Similarity, items: Items, scale: float) -> Outcome:
        classes = self._classes(items)
        accepted = positions(classes, items.table["label"])[:, None]
        table = classification_table(similarity, items, classes, accepted, ["image"], scale=scale)
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

    def _choices(self, layout: str, wanted: frozenset[str] | None) -> dict[str, str]:
        templates = {
            "openai-80": "OpenAI's 80 templates",
            "simple-7": "OpenAI's subset of 7 templates",
            "single": "“a photo of a {}.”",
        }
        return {
            "layout": layout,
            "images": "of all classes" if wanted is None else f"of {len(wanted):,} classes: a trial",
            "candidates": "all 1,000 classes" if self.options.classes == "all" else "the classes that have an image",
            "prompts": f"{templates[self.options.templates]}, pooled, with open_clip's class names",
        }
