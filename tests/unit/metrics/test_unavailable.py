"""Numbers that the annotations rule out are named with cause and remedy, and they are those that are NaN."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qbench.data.items import Attribute
from qbench.metrics.interface import Outcome
from qbench.metrics.rankings import measure_skew
from qbench.metrics.recall_by_group import measure_recall
from qbench.metrics.unavailable import unavailable_recall, unavailable_skew, unavailable_worst_group

SEX = Attribute(name="sex", groups=("woman", "man", "other"), pairs=(("woman", "man"), ("woman", "other")))
CLASSES = ("nurse", "doctor", "cook")


def people(**counts: tuple[int, int, int]) -> pd.DataFrame:
    """Items of each class: women, men, others."""
    rows = [
        {"label": label, "sex": group}
        for label, of_class in counts.items()
        for group, n in zip(SEX.groups, of_class, strict=True)
        for _ in range(n)
    ]
    return pd.DataFrame(rows).assign(item=[str(i) for i in range(len(rows))])


def words(found: list) -> dict[str, str]:
    return {" ".join(x for x in (one.metric, one.group) if x): one.words for one in found}


@pytest.mark.parametrize(
    ("counts", "pair", "said"),
    [
        (
            {"nurse": (9, 0, 0), "doctor": (0, 9, 0)},
            "woman-man",
            "not available: no class has items both of woman and of man: label and attribute are tied. Compare groups "
            "by another attribute, or classify by another label.",
        ),
        ({"nurse": (9, 9, 0)}, "woman-other", "not available: no item belongs to other. Use items of both groups."),
        (
            {"nurse": (9, 3, 9), "doctor": (4, 9, 9)},
            "woman-man",
            "not available: no class has at least 5 items both of woman and of man. Use more items, or min_group = 4 "
            "or less.",
        ),
    ],
    ids=["tied", "empty group", "too few"],
)
def test_a_pair_without_a_class_has_no_mean_disparity(counts: dict, pair: str, said: str) -> None:
    found = words(unavailable_recall(people(**counts), CLASSES, (SEX,), 5))
    for metric in ("mean_disparity", "mean_abs_disparity", "worst_disparity", "disparity"):
        assert found[f"{metric} {pair}"] == said


def test_classes_with_too_few_items_are_counted_together() -> None:
    found = unavailable_recall(people(nurse=(9, 9, 9), doctor=(9, 2, 9), cook=(1, 0, 9)), CLASSES, (SEX,), 5)
    (first, second) = found
    assert (first.metric, first.group, first.classes) == ("disparity", "woman-man", ("doctor", "cook"))
    assert first.remedy == "Use more items, or min_group = 2 or less."
    assert (second.group, second.classes, second.remedy) == (
        "woman-other",
        ("cook",),
        "Use more items, or min_group = 1 or less.",
    )


def test_an_empty_group_has_no_accuracy_and_few_groups_no_worst_one() -> None:
    found = words(unavailable_recall(people(nurse=(9, 3, 0)), CLASSES, (SEX,), 5))
    assert found["accuracy other"].startswith("not available: no item belongs to the group 'other' of sex.")
    assert found["worst_group_recall"] == found["recall_ratio"]
    assert "Use more items, or min_group = 3 or less." in found["recall_ratio"]
    assert unavailable_worst_group(("a",), SEX, np.array([5, 5, 0]), 5) == []


@pytest.mark.parametrize("seed", range(30))
def test_what_is_named_is_what_is_nan_in_recalls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = {c: tuple(rng.choice([0, 0, 1, 4, 6, 20], 3)) for c in CLASSES}
    table = people(**counts)
    if not len(table):
        return
    values = []
    for share in (0.3, 0.6, 0.9):
        correct = rng.random(len(table)) < share
        correct[:: max(1, len(table) // 3)] = True  # the best group has a right answer
        outcome = Outcome(items=table.assign(correct=correct), facts={"classes": list(CLASSES)})
        values.append(measure_recall(outcome, (SEX,), 5, None))
    never = np.isnan([one.values[0] for one in values]).all(axis=0)
    said = unavailable_recall(table, CLASSES, (SEX,), 5)
    named = [any(one.covers(*number) for one in said) for number in values[0].index.to_numpy()]
    assert values[0].index[never].to_numpy().tolist() == values[0].index[named].to_numpy().tolist()


def test_a_cut_off_of_the_whole_gallery_has_no_skew() -> None:
    table = people(nurse=(3, 3, 0))
    found = words(unavailable_skew(table, (SEX,), (2, 6)))
    assert list(found) == ["max_skew@6", "min_skew@6", "skew@6", "skew other"]
    assert found["skew@6"] == (
        "not available: the top 6 are the whole gallery of 6 images, so that every ranking has the same skew. Use more "
        "than 6 images, or smaller cut-offs (ks), such as 1."
    )


@pytest.mark.parametrize("counts", [(3, 3, 0), (4, 0, 0), (5, 2, 1)])
def test_what_is_named_is_what_is_nan_in_skews(counts: tuple[int, int, int]) -> None:
    table = people(nurse=counts)
    n, queries = len(table), ["a", "b"]
    rankings = pd.DataFrame({"query": np.repeat(queries, n), "item": [*range(n), *range(n)[::-1]]})
    outcome = Outcome(items=table, rankings=rankings, facts={"queries": queries})
    numbers = measure_skew(outcome, (SEX,), (2, n), "uniform", None)
    said = unavailable_skew(table, (SEX,), (2, n))
    named = [any(one.covers(*number) for one in said) for number in numbers.index.to_numpy()]
    assert np.isnan(numbers.values[0]).tolist() == named
