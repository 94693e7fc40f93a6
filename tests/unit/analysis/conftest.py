"""A small FACET-like and a small FairFace-like comparison, made by the benchmarks' own measures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from qbench.metrics.interface import INDEX, Outcome
from qbench.results.effects import COLUMNS
from qbench.results.statistics import declared_statistics
from qbench.statistics.ledger import Comparison
from qbench_benchmarks import FACET, FAIRFACE
from qbench_benchmarks.facet import Facet
from qbench_benchmarks.fairface import ATTRIBUTES, FairFace
from qbench_benchmarks.options import FacetOptions, FairFaceOptions

NAMES = {"model": "m", "quantizer": "q", "benchmark": "b"}
CLASSES = ("astronaut", "backpacker", "ballplayer", "bartender")


def compared(record, task, before: Outcome, after: Outcome, attributes) -> tuple[pd.DataFrame, Comparison]:
    """The rows of effects of two outcomes, and their comparison."""
    first, second = (task.measure(x).frame() for x in (before, after))
    infos = {m.name: m for m in record.metrics}
    rows = second.rename(columns={"value": "value"}).assign(baseline_value=first["value"])
    info = [infos[str(m).partition("@")[0]] for m in rows["metric"]]
    rows = rows.assign(
        **NAMES,
        baseline_model=NAMES["model"],
        baseline="fp32",
        better=[i.better for i in info],
        unit=[i.unit for i in info],
        change=rows["value"] - rows["baseline_value"],
        baseline_abs=np.nan,
        value_abs=np.nan,
        abs_change=np.nan,
    )[COLUMNS]
    declared = declared_statistics((m.name, m.statistic) for m in record.metrics)
    comparison = Comparison(
        names=NAMES,
        before=before,
        after=after,
        statistics=declared.made,
        declared=declared.names,
        attributes={a.name: a for a in attributes},
    )
    return rows, comparison


@pytest.fixture(scope="session")
def persons() -> Callable[..., tuple[pd.DataFrame, Comparison]]:
    """``(n, flips, cluster, seed) -> (effects, comparison)`` of persons, several an image."""

    def make(n: int = 800, flips: float = 0.1, cluster: int = 1, seed: int = 0, harm: float = 0.0):
        rng = np.random.default_rng(seed)
        task = Facet(FacetOptions(min_group=5))
        items = pd.DataFrame(
            {
                "item": [str(i) for i in range(n)],
                "image": [f"{i // cluster}.jpg" for i in range(n)],
                "label": rng.choice(CLASSES, n),
                "gender": rng.choice(["masc", "fem", "na"], n, p=[0.6, 0.35, 0.05]),
                "age": rng.choice(["young", "middle", "older"], n),
                "skin_tone": rng.choice(["light", "medium", "dark"], n),
                "label2": "",
            }
        )
        for attribute in task.attributes:  # the other cuts of the skin tones
            if attribute.name not in items:
                items[attribute.name] = rng.choice(attribute.groups, n)
        old = np.repeat(rng.random(-(-n // cluster)) < 0.7, cluster)[:n]  # the persons of an image go together
        moved = np.repeat(rng.random(-(-n // cluster)) < flips, cluster)[:n]
        moved |= (items["gender"].to_numpy() == "fem") & old & (rng.random(n) < harm)
        new = np.where(moved, ~old, old)
        margin = rng.normal(0, 0.1, n)
        outcomes = []
        for right in (old, new):
            label = items["label"].to_numpy()
            said = np.where(right, label, np.roll(np.array(CLASSES), 1)[[CLASSES.index(x) for x in label]])
            table = items.assign(prediction=said, correct=right, rank=np.where(right, 0, 1), margin=margin)
            outcomes.append(Outcome(items=table, facts={"classes": list(CLASSES)}))
        rows, comparison = compared(FACET, task, *outcomes, task.attributes)
        return rows, comparison, task

    return make


@pytest.fixture(scope="session")
def gallery() -> Callable[..., tuple[pd.DataFrame, Comparison]]:
    """``(n, k, seed) -> (effects, comparison, task)`` of rankings."""

    def make(n: int = 600, k: int = 100, seed: int = 0, noise: float = 0.3):
        rng = np.random.default_rng(seed)
        queries = ("a smiling person", "a sad person")
        task = FairFace(FairFaceOptions(ks=(k,), prompts=queries))
        columns = {a.name: rng.choice(a.groups, n) for a in ATTRIBUTES}
        names = [f"{i}.jpg" for i in range(n)]
        items = pd.DataFrame({"item": names, "label": "", "image": names, **columns})
        score = rng.normal(size=(2, n)) + 0.4 * (columns["gender"] == "Male")
        outcomes = []
        for scores in (score, score + noise * rng.normal(size=(2, n))):
            order = np.argsort(-scores, axis=1, kind="stable")
            query = pd.Categorical.from_codes(np.repeat([0, 1], n), categories=pd.Index(queries))
            facts = {"queries": list(queries), "target": "uniform"}
            rankings = pd.DataFrame({"query": query, "item": order.ravel().astype(np.int32)})
            outcomes.append(Outcome(items=items, rankings=rankings, facts=facts))
        rows, comparison = compared(FAIRFACE, task, *outcomes, ATTRIBUTES)
        return rows, comparison, task

    return make


def keyed(effects: pd.DataFrame) -> pd.DataFrame:
    """Effects by their index columns."""
    return effects.set_index(list(INDEX))
