"""The same answers, measured by libraries that are not ours; CLIP_benchmark's part is ``make parity``."""

import math

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame
from scipy.stats import entropy
from sklearn.metrics import accuracy_score, recall_score

from qbench.api import Outcome
from qbench_benchmarks.facet import Facet
from qbench_benchmarks.fairface import FairFace
from qbench_benchmarks.fairface_table import ATTRIBUTES
from qbench_benchmarks.options import FacetOptions, FairFaceOptions

EXACT = {"rtol": 0, "atol": 1e-12}
INDEX = ["metric", "attribute", "group", "class"]
CLASSES = ("doctor", "judge", "nurse", "waiter")


def classification_table(seed):
    """Persons with a class, an answer, and groups; some classes lack a group, some persons a label."""
    rng = np.random.default_rng(seed)
    n = 600
    label = rng.choice(CLASSES, n, p=[0.5, 0.3, 0.15, 0.05])
    table = pd.DataFrame(
        {
            "item": [str(i) for i in range(n)],
            "label": label,
            "gender": rng.choice(["masc", "fem", "na"], n, p=[0.6, 0.35, 0.05]),
            "age": rng.choice(["young", "middle", "older"], n),
            "skin_tone": rng.choice(["light", "medium", "dark"], n),
            "prediction": np.where(rng.random(n) < 0.6, label, rng.choice(CLASSES, n)),
        }
    )
    return table.assign(correct=table["label"] == table["prediction"])


def test_facet_agrees_with_fairlearn():
    table = classification_table(seed=0)
    task = Facet(FacetOptions(min_group=10, other_cuts=False, intersections=(("gender", "skin_tone"),)))
    crossed = table["gender"].where(table["gender"].ne("na")) + "×" + table["skin_tone"]
    table["gender×skin_tone"] = crossed.fillna("na")
    outcome = Outcome(items=table, facts={"classes": list(CLASSES)})
    ours = task.measure(outcome).frame().set_index(INDEX)
    compared = 0
    for attribute in task.attributes:
        arguments = {"y_true": table["label"], "y_pred": table["prediction"]}
        by_group = MetricFrame(metrics=accuracy_score, sensitive_features=table[[attribute.name]], **arguments).by_group
        for group, value in by_group.items():
            np.testing.assert_allclose(ours["value"]["accuracy", attribute.name, group, ""], value, **EXACT)
        labelled = table[table[attribute.name].isin(attribute.groups)]
        frame = MetricFrame(
            metrics=accuracy_score,
            y_true=labelled["label"],
            y_pred=labelled["prediction"],
            sensitive_features=labelled[[attribute.name]],
        )
        np.testing.assert_allclose(
            ours["value"]["worst_group_recall", attribute.name, "", ""], frame.group_min(), **EXACT
        )
        np.testing.assert_allclose(ours["value"]["recall_ratio", attribute.name, "", ""], frame.ratio(), **EXACT)
        for name in CLASSES:
            of_class = labelled[labelled["label"] == name]
            recall = MetricFrame(
                metrics=lambda t, p, name=name: recall_score(t, p, labels=[name], average="macro"),
                y_true=of_class["label"],
                y_pred=of_class["prediction"],
                sensitive_features=of_class[[attribute.name]],
            ).by_group
            for group, value in recall.items():
                np.testing.assert_allclose(ours["value"]["recall", attribute.name, group, name], value, **EXACT)
            counts = of_class[attribute.name].value_counts()
            for first, second in attribute.pairs:
                value = ours["value"]["disparity", attribute.name, f"{first}-{second}", name]
                if min(counts.get(first, 0), counts.get(second, 0)) < 10:
                    assert math.isnan(value)
                else:
                    np.testing.assert_allclose(value, recall[first] - recall[second], **EXACT)
                    compared += 1
    assert compared > 15


def gallery(seed, ties):
    """A gallery of the true groups, and similarities to three queries."""
    rng = np.random.default_rng(seed)
    n = 230
    table = {a.name: rng.choice(a.groups, n, p=rng.dirichlet(np.full(len(a.groups), 3.0))) for a in ATTRIBUTES}
    scores = rng.normal(size=(n, 3))
    return pd.DataFrame(table), np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("target", ["uniform", "gallery"])
def test_skews_and_ndkl_agree_with_brute_force_and_scipy(fairface_root, matrix, ties, target):
    people, scores = gallery(7, ties)
    assert (len(np.unique(scores)) < scores.size) == ties
    crossed = (("race", "gender"),)
    task = FairFace(FairFaceOptions(ks=(20, "30%"), target=target, prompts=("a", "b", "c"), intersections=crossed))
    items = task.data(fairface_root(people[["age", "gender", "race"]].to_records(index=False).tolist()))
    ours = task.measure(task.predict(matrix(scores), items)).frame().set_index(INDEX)["value"]
    for q, query in enumerate("abc"):
        # The documented rule: of equal similarities the image that comes first in the file ranks first.
        ranked = sorted(range(len(people)), key=lambda i: (-scores[i, q], i))
        for attribute in task.attributes:
            values = items.table[attribute.name].tolist()
            there = [g for g in attribute.groups if g in values]
            wanted = {g: 1 / len(there) if target == "uniform" else values.count(g) / len(values) for g in there}
            for k in (20, 69):
                top = [values[i] for i in ranked[:k]]
                skews = {g: math.log(max(top.count(g), 1) / k / wanted[g]) for g in there}
                for g in there:
                    np.testing.assert_allclose(ours[f"skew@{k}", attribute.name, g, query], skews[g], **EXACT)
                found = (ours[f"{x}_skew@{k}", attribute.name, "", query] for x in ("max", "min"))
                np.testing.assert_allclose([*found], [max(skews.values()), min(skews.values())], **EXACT)
            divergence = [
                entropy([[values[i] for i in ranked[:depth]].count(g) / depth for g in there], [*wanted.values()])
                for depth in range(1, len(values) + 1)
            ]
            discount = 1 / np.log2(np.arange(2, len(values) + 2))
            expected = np.dot(divergence, discount) / discount.sum()
            np.testing.assert_allclose(ours["ndkl", attribute.name, "", query], expected, **EXACT)
