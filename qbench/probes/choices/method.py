"""The probe ``choices``: questions about images become log-likelihoods of answers, and these an outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from qbench.data.items import Items
from qbench.metrics.interface import TIED, Outcome
from qbench.probes.choices.asked import Asked, what_is_asked
from qbench.probes.choices.interface import ChoicesTask
from qbench.probes.choices.provider import CHOICES, ChooserProvider
from qbench.probes.choices.scores import AnswerScores, overlap, tied_answers
from qbench.probes.interface import Answers, Provider, Questions
from qbench.probes.providers import MODEL

PROVIDERS: dict[str, Provider] = {MODEL: ChooserProvider()}


class ChoicesProbe:
    """The log-likelihood of each of a few answers; see `qbench.probes.interface.ProbeMethod`."""

    def provider(self, name: str) -> Provider:
        """A model on this machine (``model``)."""
        return PROVIDERS[name]

    def questions(self, task: ChoicesTask, items: Items) -> Questions:
        """The questions about each image."""
        asked = what_is_asked(task.choices(items), items)
        return Questions(content=asked, digest=asked.digest(), count=len(asked.choices.questions))

    def outcome(self, task: ChoicesTask, items: Items, questions: Questions, answers: Answers) -> Outcome:
        """What the task makes of the scores of the answers, with the facts on the questions.

        Answers that are equally likely for every image are named in the facts.
        """
        asked: Asked = questions.content
        image_index = items.table["image_index"].to_numpy(dtype=np.int64)
        outcome = task.choose(AnswerScores(asked, image_index, answers[CHOICES]), items)
        facts: dict[str, Any] = {"questions": {"length": asked.choices.length, **asked.choices.facts}}
        if tied := tied_answers(asked, answers[CHOICES]):
            facts[TIED] = tied
        return replace(outcome, facts={**outcome.facts, **facts})

    def drift(self, items: Items, baseline: Answers, variant: Answers) -> pd.DataFrame:
        """The cosine of the square roots of the answers' probabilities; see `qbench.probes.choices.scores.overlap`."""
        cosine = np.clip(overlap(baseline[CHOICES], variant[CHOICES]), 0.0, 1.0)
        names = ["item", "image", *(attribute.name for attribute in items.attributes)]
        table = items.table[[name for name in names if name in items.table]]
        return table.assign(cosine=cosine[items.table["image_index"].to_numpy()])
