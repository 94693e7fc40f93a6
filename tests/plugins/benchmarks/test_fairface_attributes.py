"""FairFace's attributes as classes."""

import numpy as np
import pytest

from qbench_benchmarks.attribute_prompts import attribute_prompts, names_of_attribute_sets
from qbench_benchmarks.fairface_attributes import FairFaceAttributes
from qbench_benchmarks.fairface_table import ATTRIBUTES
from qbench_benchmarks.options import FairFaceAttributesOptions

PEOPLE = [
    ("20-29", "Male", "White"),
    ("30-39", "Female", "Black"),
    ("0-2", "Female", "White"),
    ("0-2", "Male", "Black"),
]


@pytest.fixture
def two(fairface_root, matrix):
    """``(task, outcome)``: gender is right of all but the last, age of the first two."""
    task = FairFaceAttributes(FairFaceAttributesOptions(ask=("gender", "age"), min_group=2))
    items = task.data(fairface_root(PEOPLE))
    scores = np.zeros((4, 2 + 9))
    scores[[0, 1, 2, 3], [0, 1, 1, 1]] = 0.5
    scores[[0, 1, 2, 3], [2 + 3, 2 + 4, 2 + 8, 2 + 8]] = 0.25
    return task, task.predict(matrix(scores), items)


def test_each_group_has_its_words_and_no_others_are_asked(fairface_root):
    task = FairFaceAttributes(FairFaceAttributesOptions(ask=("age", "gender")))
    prompts = task.prompts(task.data(fairface_root(PEOPLE)))
    assert prompts.targets[:3] == ("gender: Male", "gender: Female", "age: 0-2")
    assert prompts.texts[0] == "a photo of a male person"
    assert prompts.texts[2] == "a photo of a person who is 0 to 2 years old"
    assert (len(prompts.targets), prompts.pool) == (11, True)
    for name in names_of_attribute_sets():
        texts = attribute_prompts(name).texts
        assert {a.name: set(texts[a.name]) for a in ATTRIBUTES} == {a.name: set(a.groups) for a in ATTRIBUTES}


def test_a_row_is_a_face_and_an_attribute(two, stored):
    table = stored(two[1]).items
    assert table["item"].tolist() == [f"val/{i}.jpg#{a}" for a in ("gender", "age") for i in (1, 2, 3, 4)]
    assert table["item"].is_unique
    assert table["image"].tolist() == [f"val/{i}.jpg" for i in (1, 2, 3, 4)] * 2
    assert table["label"].tolist() == ["Male", "Female", "Female", "Male", "20-29", "30-39", "0-2", "0-2"]
    assert table["prediction"].tolist()[2:6] == ["Female", "Female", "20-29", "30-39"]
    assert table["correct"].tolist() == [True, True, True, False, True, True, False, False]
    np.testing.assert_allclose(table["margin"][:4], [0.5, 0.5, 0.5, -0.5])


def test_accuracy_by_hand(two, stored, value_of):
    task, outcome = two
    metrics = task.measure(stored(outcome))
    assert value_of(metrics, "gender_accuracy") == 0.75
    assert value_of(metrics, "gender_accuracy", "gender", "Male") == 0.5
    assert value_of(metrics, "gender_accuracy", "race", "White") == 1
    assert value_of(metrics, "gender_accuracy", "race", "White", column="n") == 2
    assert value_of(metrics, "gender_worst_group", "gender") == 0.5
    assert value_of(metrics, "gender_ratio", "race") == 0.5
    assert value_of(metrics, "age_accuracy", "age", "0-2") == 0
    assert np.isnan(value_of(metrics, "age_worst_group", "age"))  # one group of two images
    assert "race_accuracy" not in set(metrics.index["metric"])


def test_guessing_is_told_for_each_attribute(two):
    assert two[1].facts["chance"] == [
        {
            "name": f"{asked}_accuracy",
            "chance": chance,
            "where": {"asked": asked},
            "metrics": [f"{asked}_accuracy", f"{asked}_worst_group", f"{asked}_ratio"],
        }
        for asked, chance in (("gender", 1 / 2), ("age", 1 / 9))
    ]


def test_weights_count_faces_again(two):
    task, outcome = two
    weights = np.array([[1.0] * 8, [2, 0, 0, 2, 1, 1, 1, 1]])
    assert task.measure(outcome, weights).values[:, 0].tolist() == [0.75, 0.5]


def test_words_are_hashed_for_what_is_asked():
    words = attribute_prompts("plain-words")
    assert words.facts(["race"])["sha256"] != words.facts(["age"])["sha256"]
