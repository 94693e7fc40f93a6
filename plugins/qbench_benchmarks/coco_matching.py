"""COCO as matching: which of a few captions belongs to an image, for models that read an image and a text together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import DataError, Items, Metrics, Outcome, Prompts, Similarity
from qbench.api.benchmarks import MetricsBuilder, image_to_text, item_weights, weighted_share
from qbench.api.probes import NO_TEXT, Pairs
from qbench_benchmarks.coco import Coco
from qbench_benchmarks.options import CocoMatchingOptions, CocoOptions

_STREAM = 51
"""The first number of the seed of the draws, so that their random streams are not those of another draw."""


class CocoMatching:
    """The task: see `qbench.api.probes.PairsTask`. An item is an image; its ``label`` is its first caption."""

    def __init__(self, options: CocoMatchingOptions | None = None) -> None:
        self.options = options or CocoMatchingOptions()

    def data(self, root: Path) -> Items:
        """Read the images and captions of the split, as `qbench_benchmarks.coco.Coco` does."""
        read = Coco(CocoOptions(split=self.options.split)).data(root)
        first = pd.Series([captions[0] for captions in read.table["captions"]], dtype="str")
        asked = {
            "captions": "the first caption of each image, raw, without a prefix",
            "candidates": f"the image's own caption and {self.options.candidates - 1} of other images, drawn with seed "
            f"{self.options.seed}; none of them is a caption of the image too",
        }
        return replace(read, table=read.table.assign(label=first), choices={**read.choices, **asked})

    def pairs(self, items: Items) -> Pairs:
        """The first captions of all items, and for each image its candidates among them, its own first.

        Raises
        ------
        DataError
            An image has no caption of another image among its candidates.
        """
        texts = tuple(items.table["label"])
        numbers = np.arange(len(texts), dtype=np.int64)
        prompts = Prompts(texts=texts, targets=texts, target_of=numbers, pool=False)
        return Pairs(prompts=prompts, candidates=self._candidates(items))

    def _candidates(self, items: Items) -> npt.NDArray[np.int64]:
        """``(images, k)``: numbers of texts, padded where there are too few that differ."""
        texts, own = list(items.table["label"]), list(items.table["captions"])
        first_of = {text: number for number, text in reversed(list(enumerate(texts)))}
        different = np.array(sorted(first_of.values()), dtype=np.int64)
        found = np.full((len(texts), self.options.candidates), NO_TEXT, dtype=np.int64)
        rng = np.random.default_rng([_STREAM, self.options.seed])
        for row, captions in enumerate(own):
            drawn = rng.permutation(different)[: self.options.candidates + len(captions)]
            others = [number for number in drawn.tolist() if texts[number] not in captions]
            chosen = [row, *others[: self.options.candidates - 1]]
            found[row, : len(chosen)] = chosen
        if len(texts) and (found[:, 1] == NO_TEXT).any():
            raise DataError(
                "an image has no other caption with which its own could be compared",
                where=str(items.root),
                fix="Use more images.",
            )
        return found

    def match(self, scores: Similarity, items: Items) -> Outcome:
        """Predict the candidate that fits best. ``rank`` counts from 0 among the candidates; ``margin`` is in nats."""
        texts = items.table["label"].to_numpy(dtype=object)
        found = image_to_text(scores, np.arange(len(texts)))
        names = {"item": items.table["item"], "label": texts, "image": items.table["image"]}
        table = pd.DataFrame({**names, "prediction": texts[found.first]}, dtype="str").assign(
            correct=found.rank == 0,
            rank=found.rank,
            margin=found.margin,
            runner_up_margin=found.runner_up_margin,
        )
        counts = (self._candidates(items) != NO_TEXT).sum(axis=1)
        chance = [{"name": "accuracy", "chance": float(np.mean(1 / counts)), "where": {}}]
        return Outcome(items=table, facts={"images": len(texts), "chance": chance})

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """The share of images whose own caption fits best."""
        table = outcome.items
        numbers = MetricsBuilder()
        correct = table["correct"].to_numpy(dtype=bool)
        numbers.add("accuracy", weighted_share(correct, item_weights(weights, len(table))), len(table))
        return numbers.build()
