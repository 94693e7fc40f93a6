"""The probe ``embedding``: prompts become text embeddings, and cosines of images and texts become an outcome."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pandas as pd

from qbench.data.items import Items
from qbench.metrics.interface import TIED, Outcome, Task
from qbench.probes.embedding.drift import drift_table
from qbench.probes.embedding.providers import IMAGES, TEXTS, EncoderProvider, FileProvider
from qbench.probes.embedding.similarity import CosineSimilarity
from qbench.probes.interface import Answers, Provider, Questions
from qbench.probes.providers import MODEL, PRECOMPUTED

PROVIDERS: dict[str, Provider] = {MODEL: EncoderProvider(), PRECOMPUTED: FileProvider()}


class EmbeddingProbe:
    """A vector for each image and each text, compared by cosine; see `qbench.probes.interface.ProbeMethod`."""

    def provider(self, name: str) -> Provider:
        """An encoder on this machine (``model``), or precomputed embeddings (``precomputed``)."""
        return PROVIDERS[name]

    def questions(self, task: Task, items: Items) -> Questions:
        """The texts of the task's prompts; they alone decide the embeddings, in their order."""
        prompts = task.prompts(items)
        texts = json.dumps(prompts.texts, ensure_ascii=True)
        digest = hashlib.sha256(texts.encode()).hexdigest()
        return Questions(content=prompts, digest=digest, count=len(prompts.texts))

    def outcome(self, task: Task, items: Items, questions: Questions, answers: Answers) -> Outcome:
        """What the task predicts from the cosine of each item and each target.

        Where predictions are classes, its facts name the pairs of classes whose embeddings are equal, except for those
        that the task knows of.
        """
        prompts, image_index = questions.content, items.table["image_index"].to_numpy()
        similarity = CosineSimilarity(answers[IMAGES], image_index, answers[TEXTS], prompts)
        outcome = task.predict(similarity, items)
        if outcome.facts.get("classes") is None:
            return outcome
        tied = [(prompts.targets[i], prompts.targets[j]) for i, j in similarity.tied_targets()]
        known = {frozenset(pair) for pair in prompts.known_ties}
        unknown = [list(pair) for pair in tied if frozenset(pair) not in known]
        return replace(outcome, facts={**outcome.facts, TIED: unknown}) if unknown else outcome

    def drift(self, items: Items, baseline: Answers, variant: Answers) -> pd.DataFrame:
        """The cosine of the two embeddings of each item's image."""
        return drift_table(items, baseline[IMAGES], variant[IMAGES])
