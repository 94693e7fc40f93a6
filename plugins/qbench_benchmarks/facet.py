"""FACET: zero-shot classification of occupations, and how its recall differs between groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from qbench.api import Items, Metrics, Outcome, Prompts, Similarity
from qbench.api.benchmarks import (
    LOG_SCALE,
    LOGIT_SCALE,
    Unavailable,
    classification_table,
    measure_recall,
    positions,
    unavailable_recall,
)
from qbench.api.probes import Choices, Pairs
from qbench_benchmarks.crossed import crossed, with_crossed
from qbench_benchmarks.facet_classes import CLASSES
from qbench_benchmarks.facet_groups import TONES, WORDS, attributes, other_cuts
from qbench_benchmarks.facet_table import read_persons
from qbench_benchmarks.options import FacetOptions


class Facet:
    """The task: see `qbench.api.Task`, and `ChoicesTask` and `PairsTask` of `qbench.api.probes`.

    An item is a person.
    """

    def __init__(self, options: FacetOptions | None = None) -> None:
        self.options = o = options or FacetOptions()
        plain = attributes(o.skin_cut)
        self.crossings = crossed(plain, o.intersections, o.intersection_pairs)
        self.cuts = tuple(other_cuts(o.skin_cut).values()) if o.other_cuts else ()
        self.attributes = (*plain, *self.crossings, *self.cuts)

    def data(self, root: Path) -> Items:
        """Read the persons; see `qbench_benchmarks.facet_table`."""
        table, images, path = read_persons(root, self.options)
        return Items(
            table=with_crossed(table, self.attributes, self.crossings),
            images=images,
            root=root,
            attributes=self.attributes,
            annotations=(path,),
            choices=self._choices(),
        )

    def prompts(self, items: Items) -> Prompts:
        """One text per class."""
        classes = self._classes(items)
        texts = tuple(self.options.template.format(name) for name in _in_words(classes))
        return Prompts(texts=texts, targets=classes, target_of=np.arange(len(classes), dtype=np.int64), pool=False)

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Predict the most similar class; the second class counts as correct too if the options say so."""
        return self._outcome(similarity, items, LOGIT_SCALE)

    def choices(self, items: Items) -> Choices:
        """One question, whose answers are the classes."""
        asked = np.zeros((len(items), 1), dtype=np.int64)
        facts = {"question": self.options.question}
        return self.options.asked([(self.options.question, _in_words(self._classes(items)))], asked, facts)

    def choose(self, scores: Similarity, items: Items) -> Outcome:
        """Predict the most likely class; the second class counts as correct too if the options say so."""
        return self._outcome(scores, items, LOG_SCALE)

    def pairs(self, items: Items) -> Pairs:
        """Each person is compared with the text of every class."""
        return Pairs(prompts=self.prompts(items))

    def match(self, scores: Similarity, items: Items) -> Outcome:
        """Predict the class that fits best; the second class counts as correct too if the options say so."""
        return self._outcome(scores, items, LOG_SCALE)

    def _outcome(self, similarity: Similarity, items: Items, scale: float) -> Outcome:
        classes = self._classes(items)
        right = [positions(classes, items.table["label"])]
        if self.options.class2 == "credit":
            right.append(positions(classes, items.table["label2"]))
        accepted = np.stack(right, axis=1)
        names = [attribute.name for attribute in self.attributes]
        table = classification_table(
            similarity, items, classes, accepted, ["label2", *names, *TONES, "tone_mean", "image"], scale=scale
        )
        distinct = 1 + sum((accepted[:, i] >= 0) & (accepted[:, i] != accepted[:, 0]) for i in range(1, len(right)))
        chance = float(np.mean(np.broadcast_to(distinct, len(items))) / len(classes))
        facts = {"classes": list(classes), "chance": [{"name": "accuracy", "chance": chance, "where": {}}]}
        return Outcome(items=table, facts=facts)

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Accuracy, recall, disparities, and the worst group's recall.

        Values of an attribute that are not groups (``na``, ``non_binary``) get their own accuracy and recall, and take
        part in no disparity. The disparity of a class is NaN if one group of the pair has fewer than ``min_group``
        persons in it.
        """
        return measure_recall(outcome, self.attributes, self.options.min_group, weights, brief=self.cuts)

    def unavailable(self, items: Items) -> list[Unavailable]:
        """Disparities of classes with too few persons of a group, and groups without a person."""
        classes, minimum = self._classes(items), self.options.min_group
        return unavailable_recall(items.table, classes, self.attributes, minimum, brief=self.cuts)

    def _classes(self, items: Items) -> tuple[str, ...]:
        if self.options.classes == "all":
            return CLASSES
        there = set(items.table["label"])
        return tuple(name for name in CLASSES if name in there)

    def _choices(self) -> dict[str, str]:
        o = self.options
        return {
            "image": "cut to the person's box" if o.image == "crop" else "the whole image",
            "persons": "all" if o.persons == "all" else "those who are alone in their image and have one class",
            "second class": "counts as correct too" if o.class2 == "credit" else "not used",
            "candidates": "all 52 classes" if o.classes == "all" else "the classes that are a person's first class",
            "prompt": f"“{o.template}”, with the class's underscores as spaces",
            "question to generative models": f"“{o.question}”, {o.summary()}",
            "classes in disparities": f"those with at least {o.min_group} persons in both groups",
            "skin tone": WORDS[o.skin_cut],
            "other cuts of the skin tone": "measured beside it" if o.other_cuts else "not measured",
            "intersections": ", ".join(a.name for a in self.crossings) or "none",
        }


def _in_words(classes: tuple[str, ...]) -> list[str]:
    return [name.replace("_", " ") for name in classes]
