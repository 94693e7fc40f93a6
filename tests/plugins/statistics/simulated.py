"""Simulated outcomes whose true change is known: shares and disparities of flipping items, rankings that shift."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from qbench.data.items import Attribute
from qbench.metrics.builder import MetricsBuilder
from qbench.metrics.interface import Metrics, Outcome, StatisticRef
from qbench.metrics.keys import MetricKey
from qbench.statistics.interface import Number
from qbench.testing.statistics import Simulated

GENDER = Attribute(name="gender", groups=("a", "b"), pairs=(("a", "b"),))
CLASSES = ("x", "y", "z")
QUERIES = ("first", "second", "third")


def answers(rng: np.random.Generator, n: int = 600, loss: float = 0.06) -> tuple[Outcome, Outcome]:
    """Items of three classes and two groups, two to an image; of group ``a`` more are lost, by `loss` of all items."""
    items = pd.DataFrame(
        {
            "item": [str(i) for i in range(n)],
            "image": [str(i // 2) for i in range(n)],
            "label": rng.choice(CLASSES, n),
            "gender": rng.choice(GENDER.groups, n, p=[0.6, 0.4]),
        }
    )
    before = rng.random(n) < 0.7
    draw = rng.random(n)
    lost = 0.05 + np.where(items["gender"] == "a", loss / 0.7, 0.0)
    after = np.where(before, draw >= lost, draw < 0.05)
    outcomes = [
        Outcome(items=items.assign(correct=hit, rank=np.where(hit, 0, 7)), facts={"classes": list(CLASSES)})
        for hit in (before, after)
    ]
    return outcomes[0], outcomes[1]


def change(loss: float = 0.06) -> tuple[float, float]:
    """The true changes of the two groups' shares in the world of `answers`."""
    gained, lost = 0.3 * 0.05, 0.7 * 0.05
    return gained - lost - loss, gained - lost


def share(rng: np.random.Generator) -> Simulated:
    before, after = answers(rng)
    number = Number(metric=MetricKey("accuracy"), attribute="gender", group="a")
    return Simulated(before=before, after=after, number=number, truth=change()[0], attributes=(GENDER,))


def class_mean(rng: np.random.Generator) -> Simulated:
    before, after = answers(rng)
    truth = 0.6 * change()[0] + 0.4 * change()[1]
    return Simulated(before=before, after=after, number=Number(metric=MetricKey("mean_recall")), truth=truth)


def of_pair(metric: str, class_: str = "") -> Number:
    return Number(metric=MetricKey(metric), attribute="gender", group="a-b", class_=class_)


def disparity(rng: np.random.Generator) -> Simulated:
    before, after = answers(rng)
    truth = change()[0] - change()[1]
    number = of_pair("disparity", "x")
    return Simulated(before=before, after=after, number=number, truth=truth, attributes=(GENDER,))


def mean_of_disparities(metric: str) -> Callable[[np.random.Generator], Simulated]:
    def simulate(rng: np.random.Generator) -> Simulated:
        before, after = answers(rng)
        others = {of_pair("disparity", c): StatisticRef("disparity") for c in CLASSES}
        truth = change()[0] - change()[1]
        number = of_pair(metric)
        return Simulated(before=before, after=after, number=number, truth=truth, attributes=(GENDER,), others=others)

    return simulate


def accuracy_by(measured: Outcome, weights: np.ndarray | None = None) -> Metrics:
    """A benchmark's measure: the accuracy of all items."""
    w = np.ones((1, len(measured.items))) if weights is None else np.atleast_2d(weights)
    numbers = MetricsBuilder()
    hit = measured.items["correct"].to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        numbers.add("accuracy", w @ hit / w.sum(axis=1), len(hit))
    return numbers.build()


def measured(rng: np.random.Generator) -> Simulated:
    """Numbers that only the benchmark makes."""
    before, after = answers(rng)
    truth = 0.6 * change()[0] + 0.4 * change()[1]
    number = Number(metric=MetricKey("accuracy"))
    return Simulated(before=before, after=after, number=number, truth=truth, measure=accuracy_by)


def rankings(rng: np.random.Generator, n: int = 900) -> tuple[Outcome, Outcome]:
    """A gallery that both variants rank alike but for noise: no skew changes."""
    items = pd.DataFrame(
        {
            "item": [str(i) for i in range(n)],
            "image": [str(i) for i in range(n)],
            "label": "",
            "gender": rng.choice(GENDER.groups, n, p=[0.6, 0.4]),
        }
    )
    score = rng.normal(size=(len(QUERIES), n)) + 0.3 * (items["gender"] == "a").to_numpy()
    outcomes = []
    for _ in range(2):
        order = np.argsort(-(score + 0.4 * rng.normal(size=score.shape)), axis=1)
        table = pd.DataFrame({"query": np.repeat(QUERIES, n), "item": order.ravel()})
        outcomes.append(Outcome(items=items, rankings=table, facts={"queries": list(QUERIES), "target": "uniform"}))
    return outcomes[0], outcomes[1]


def ranked(metric: str, group: str = "", class_: str = "") -> Callable[[np.random.Generator], Simulated]:
    def simulate(rng: np.random.Generator) -> Simulated:
        before, after = rankings(rng)
        number = Number(metric=MetricKey.parse(metric), attribute="gender", group=group, class_=class_)
        return Simulated(before=before, after=after, number=number, truth=0.0, attributes=(GENDER,))

    return simulate
