"""The probe ``pairs``: texts are compared with images, and the scores of the pairs become an outcome."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Items
from qbench.metrics.interface import TIED, Outcome
from qbench.probes.choices.scores import overlap
from qbench.probes.interface import Answers, Provider, Questions
from qbench.probes.pairs.interface import NO_TEXT, Pairs, PairsTask
from qbench.probes.pairs.provider import PAIRS, MatcherProvider
from qbench.probes.pairs.scores import PairScores
from qbench.probes.providers import MODEL

PROVIDERS: dict[str, Provider] = {MODEL: MatcherProvider()}


class PairsProbe:
    """A score for an image and a text together; see `qbench.probes.interface.ProbeMethod`."""

    def provider(self, name: str) -> Provider:
        """A model on this machine (``model``)."""
        return PROVIDERS[name]

    def questions(self, task: PairsTask, items: Items) -> Questions:
        """The texts, and the candidates of each image."""
        pairs = task.pairs(items)
        texts = pairs.prompts.texts
        digest = hashlib.sha256(json.dumps(texts, ensure_ascii=True).encode())
        if pairs.candidates is not None:
            _check(pairs.candidates, len(items.images), len(texts))
            digest.update(pairs.candidates.astype("<i8").tobytes())
        return Questions(content=pairs, digest=digest.hexdigest(), count=len(texts))

    def outcome(self, task: PairsTask, items: Items, questions: Questions, answers: Answers) -> Outcome:
        """What the task makes of the scores.

        Where predictions are classes, its facts name those that have equal scores for every image, except for those
        that the task knows of.
        """
        pairs: Pairs = questions.content
        scores = PairScores(pairs, items.table["image_index"].to_numpy(dtype=np.int64), answers[PAIRS])
        outcome = task.match(scores, items)
        if outcome.facts.get("classes") is None:
            return outcome
        targets, known = pairs.prompts.targets, {frozenset(pair) for pair in pairs.prompts.known_ties}
        tied = [[targets[i], targets[j]] for i, j in scores.tied_targets()]
        unknown = [pair for pair in tied if frozenset(pair) not in known]
        return replace(outcome, facts={**outcome.facts, TIED: unknown}) if unknown else outcome

    def drift(self, items: Items, baseline: Answers, variant: Answers) -> pd.DataFrame:
        """How alike the probabilities are that a text belongs to the image: the mean over the candidates.

        Of one pair it is the cosine of the square roots of the two probabilities, that it does and that it does not;
        see `qbench.probes.choices.scores.overlap`.
        """
        found = overlap(*(_yes_and_no(answers[PAIRS]) for answers in (baseline, variant)))
        names = ["item", "image", *(attribute.name for attribute in items.attributes)]
        table = items.table[[name for name in names if name in items.table]]
        return table.assign(cosine=np.clip(found, 0.0, 1.0)[items.table["image_index"].to_numpy()])


def _yes_and_no(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Scores as the likelihoods of two answers, up to a constant: ``(images, k, 2, 1)``."""
    return np.stack([scores, np.zeros_like(scores)], axis=-1)[..., None]


def _check(candidates: npt.NDArray[np.int64], images: int, texts: int) -> None:
    """Refuse candidates that are not texts of the task, are named twice, or are missing for an image."""
    if candidates.ndim != 2 or len(candidates) != images or not candidates.shape[1]:
        raise ValueError(f"candidates has the shape {candidates.shape}; it has a row for each of the {images} images")
    if candidates.min() < NO_TEXT or candidates.max() >= texts or (candidates[:, 0] == NO_TEXT).any():
        raise ValueError(f"candidates names a text that is not one of the {texts} texts, or none for an image")
    ordered = np.sort(candidates, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != NO_TEXT)).any():
        raise ValueError("candidates names a text twice for an image")
