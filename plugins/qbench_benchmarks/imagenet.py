"""ImageNet zero-shot classification (Radford et al. 2021, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import DataError, FolderSource, ImageLocation, InputError, Items, Metrics, Outcome, Prompts, Similarity
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
from qbench.api.probes import Choices, Pairs
from qbench_benchmarks import imagenet_classes
from qbench_benchmarks.imagenet_candidates import AmongCandidates, Integers, drawn
from qbench_benchmarks.imagenet_files import read_images
from qbench_benchmarks.options import ImageNetOptions

TOP = 5


class ImageNet:
    """The task: see `qbench.api.Task`, and `ChoicesTask` and `PairsTask` of `qbench.api.probes`."""

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
        for i, name in enumerate(self._names(classes)):
            filled = imagenet_classes.prompts(name, self.options.templates)
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
        return self._of_classes(similarity, items, LOGIT_SCALE)

    def choices(self, items: Items) -> Choices:
        """One question, whose answers are the names of the classes; with `candidates`, one question per image.

        Raises
        ------
        InputError
            Two answers would be the same.
        """
        names = self._names(self._classes(items))
        candidates = self._candidates(items)
        facts = {"question": self.options.question}
        if candidates is None:
            if len(set(names)) < len(names):
                twice = next(name for i, name in enumerate(names) if name in names[:i])
                raise InputError(
                    f"a question about {len(names):,} classes would have the answer {twice!r} twice",
                    where="imagenet",
                    fix="Set the option candidates, such as candidates = 10: each image's own class and 9 others.",
                )
            asked = np.zeros((len(items), 1), dtype=np.int64)
            return self.options.asked([(self.options.question, names)], asked, facts)
        questions = [(self.options.question, [names[number] for number in row]) for row in candidates.tolist()]
        return self.options.asked(questions, np.arange(len(items), dtype=np.int64)[:, None], facts)

    def choose(self, scores: Similarity, items: Items) -> Outcome:
        """Predict the most likely class."""
        return self._outcome(scores, items, self._candidates(items), LOG_SCALE)

    def pairs(self, items: Items) -> Pairs:
        """Each image is compared with all templates of its candidates; of all classes, this is affordable for few."""
        prompts, candidates = self.prompts(items), self._candidates(items)
        if candidates is None:
            return Pairs(prompts=prompts)
        texts_of = np.arange(len(prompts.texts), dtype=np.int64).reshape(len(prompts.targets), -1)
        item_of = np.argsort(items.table["image_index"].to_numpy())
        return Pairs(prompts=prompts, candidates=texts_of[candidates[item_of]].reshape(len(items), -1))

    def match(self, scores: Similarity, items: Items) -> Outcome:
        """Predict the class that fits best."""
        return self._of_classes(scores, items, LOG_SCALE)

    def _of_classes(self, similarity: Similarity, items: Items, scale: float) -> Outcome:
        """The outcome of scores that have a column for each class."""
        candidates = self._candidates(items)
        among = similarity if candidates is None else AmongCandidates(similarity, candidates)
        return self._outcome(among, items, candidates, scale)

    def _outcome(self, similarity: Similarity, items: Items, candidates: Integers | None, scale: float) -> Outcome:
        classes = self._classes(items)
        accepted = positions(classes, items.table["label"])[:, None]
        table = classification_table(
            similarity, items, classes, accepted, ["image"], scale=scale, candidates=candidates
        )
        chance = [{"name": "top1", "chance": 1.0 / self._count(classes), "where": {}}]
        return Outcome(items=table, facts={"classes": list(classes), "chance": chance})

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Top-1, top-5 (where there are more than five candidates), recall by class and its mean."""
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
        if self._count(classes) > TOP:
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

    def _names(self, classes: tuple[str, ...]) -> list[str]:
        """What the classes are called: two may have one name."""
        name_of = dict(zip(imagenet_classes.labels(), imagenet_classes.class_names(), strict=True))
        return [name_of[label] for label in classes]

    def _candidates(self, items: Items) -> Integers | None:
        """``(images, candidates)``: classes; `None` where every image is compared with all of them."""
        o, classes = self.options, self._classes(items)
        if not o.candidates:
            return None
        own = positions(classes, items.table["label"])
        return drawn(list(items.table["item"]), own, self._names(classes), o.candidates, o.seed)

    def _count(self, classes: Sequence[str]) -> int:
        """The number of classes among which an image is classified."""
        return self.options.candidates or len(classes)

    def _choices(self, layout: str, wanted: frozenset[str] | None) -> dict[str, str]:
        templates = {
            "openai-80": "OpenAI's 80 templates",
            "simple-7": "OpenAI's subset of 7 templates",
            "single": "“a photo of a {}.”",
        }
        o = self.options
        candidates = "all 1,000 classes" if o.classes == "all" else "the classes that have an image"
        if o.candidates:
            candidates = f"the image's own class and {o.candidates - 1} of {candidates}, drawn with seed {o.seed}"
        return {
            "layout": layout,
            "images": "of all classes" if wanted is None else f"of {len(wanted):,} classes: a trial",
            "candidates": candidates,
            "prompts": f"{templates[o.templates]}, pooled, with open_clip's class names",
            "question to generative models": f"“{o.question}”, {o.summary()}",
        }
