"""COCO retrieval, both directions, with all captions of each image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import DataError, FolderSource, ImageLocation, Items, Metrics, Outcome, Prompts, Similarity
from qbench.api.benchmarks import MetricsBuilder, Retrieved, image_to_text, item_weights, recall_at, text_to_image
from qbench.api.statistics import MetricKey
from qbench_benchmarks.coco_captions import read_karpathy_test, read_val2017
from qbench_benchmarks.options import CocoOptions

DIRECTIONS = ("image_to_text", "text_to_image")


class Coco:
    """The task, see `qbench.api.Task`. An item is an image with its captions (column ``captions``)."""

    def __init__(self, options: CocoOptions | None = None) -> None:
        self.options = options or CocoOptions()

    def data(self, root: Path) -> Items:
        """Read the images and captions of the split."""
        read = read_val2017 if self.options.split == "val2017" else read_karpathy_test
        everything, path = read(root)
        images = [image for image in everything if image.captions]
        if not images:
            raise DataError("no image of the split has a caption", where=str(path))
        files = [image.file for image in images]
        table = pd.DataFrame({"item": files, "label": [""] * len(files), "image": files}, dtype="str").assign(
            image_index=np.arange(len(files), dtype=np.int64),
            captions=pd.Series([image.captions for image in images], dtype=object),
        )
        choices = {
            "split": "val2017" if self.options.split == "val2017" else "Karpathy's test split of val2014",
            "captions": "all captions of each image, raw, without a prefix",
        }
        if len(images) < len(everything):
            choices["images without a caption"] = f"{len(everything) - len(images)}, left out"
        source = FolderSource(root)
        return Items(
            table=table,
            images=tuple(ImageLocation(source, x.file, row=x.where) for x in images),
            root=root,
            annotations=(path,),
            choices=choices,
        )

    def prompts(self, items: Items) -> Prompts:
        """The captions of the items, each of which is a target."""
        texts = tuple(caption for captions in items.table["captions"] for caption in captions)
        return Prompts(texts=texts, targets=texts, target_of=np.arange(len(texts), dtype=np.int64), pool=False)

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Rank the captions for each image and the images for each caption.

        The first rows are the images (``direction`` is ``image_to_text``), and the others are the captions
        (``text_to_image``); the ``item`` of a caption is that of its image with ``#`` and its number. ``label`` is the
        image of the query, and ``prediction`` the image to which the first target belongs. ``correct`` is a hit at 1,
        and ``rank`` counts from 0.
        """
        names = items.table["item"].to_numpy(dtype=object)
        counts = np.array([len(captions) for captions in items.table["captions"]], dtype=np.int64)
        owner = np.repeat(np.arange(len(counts)), counts)
        size = self.options.block_mb * 2**20
        images = image_to_text(similarity, owner, block_bytes=size)
        texts = text_to_image(similarity, owner, block_bytes=size)
        numbered = [f"{name}#{i}" for name, count in zip(names, counts, strict=True) for i in range(count)]
        table = pd.concat(
            [
                _rows(DIRECTIONS[0], list(names), list(names), list(names[owner[images.first]]), images),
                _rows(DIRECTIONS[1], numbered, list(names[owner]), list(names[texts.first]), texts),
            ],
            ignore_index=True,
        )
        shares = (float(counts.mean() / counts.sum()), 1.0 / len(counts))
        chance = [
            {"name": f"{direction}_recall@1", "chance": share, "where": {"direction": direction}}
            for direction, share in zip(DIRECTIONS, shares, strict=True)
        ]
        facts = {"images": len(counts), "captions": int(counts.sum()), "chance": chance}
        return Outcome(items=table, facts=facts)

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Recall@k of both directions. A caption that a resample repeats is one more query, but not one more target."""
        table = outcome.items
        w = item_weights(weights, len(table))
        rank = table["rank"].to_numpy()
        numbers = MetricsBuilder()
        for k in self.options.ks:
            for direction in DIRECTIONS:
                rows = np.flatnonzero(table["direction"].to_numpy() == direction)
                numbers.add(str(MetricKey(f"{direction}_recall", k)), recall_at(rank[rows], k, w[:, rows]), len(rows))
        return numbers.build()


def _rows(direction: str, item: list[str], label: list[str], prediction: list[str], found: Retrieved) -> pd.DataFrame:
    text = pd.DataFrame({"item": item, "label": label, "image": label, "prediction": prediction}, dtype="str")
    return text.assign(
        direction=direction,
        correct=found.rank == 0,
        rank=found.rank,
        margin=found.margin,
        runner_up_margin=found.runner_up_margin,
    )
