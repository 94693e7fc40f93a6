"""The probe ``embedding``: prompts become text embeddings, and cosines of images and texts become an outcome."""

from __future__ import annotations

import hashlib
import json

import pandas as pd

from qbench.data.items import Items
from qbench.metrics.interface import Outcome, Task
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
        """What the task predicts from the cosine of each item and each target."""
        image_index = items.table["image_index"].to_numpy()
        similarity = CosineSimilarity(answers[IMAGES], image_index, answers[TEXTS], questions.content)
        return task.predict(similarity, items)

    def drift(self, items: Items, baseline: Answers, variant: Answers) -> pd.DataFrame:
        """The cosine of the two embeddings of each item's image."""
        return drift_table(items, baseline[IMAGES], variant[IMAGES])
