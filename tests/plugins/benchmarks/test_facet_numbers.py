"""FACET's numbers: recall by class and group, disparities, and those without a label to compare."""

import numpy as np
import pytest

from qbench_benchmarks.facet import Facet
from qbench_benchmarks.options import FacetOptions

PEOPLE = [  # class, gender, whether the answer is right
    ("doctor", "masc", True),
    ("doctor", "masc", True),
    ("doctor", "fem", True),
    ("doctor", "fem", False),
    ("nurse", "masc", False),
    ("nurse", "masc", False),
    ("nurse", "fem", True),
    ("nurse", "fem", True),
    ("judge", "masc", True),
    ("judge", "fem", False),
    ("judge", "fem", False),
    ("judge", "non_binary", True),
]
CLASSES = ("doctor", "judge", "nurse")


@pytest.fixture
def outcome_of(facet_root, matrix):
    """``(options) -> (task, outcome)`` of the people above."""

    def predict(**options):
        task = Facet(FacetOptions(classes="present", min_group=2, **options))
        people = [{"class1": c, f"gender_presentation_{g}": "1", "age_presentation_young": "1"} for c, g, _ in PEOPLE]
        scores = np.full((len(PEOPLE), 3), 0.1)
        for i, (name, _, right) in enumerate(PEOPLE):
            place = CLASSES.index(name)
            scores[i, place if right else (place + 1) % 3] = 0.4
        return task, task.predict(matrix(scores), task.data(facet_root(people)))

    return predict


def test_the_outcome_has_all_that_is_needed_later(outcome_of):
    _, outcome = outcome_of()
    assert outcome.items["prediction"].tolist()[:4] == ["doctor", "doctor", "doctor", "judge"]
    np.testing.assert_allclose(outcome.items["margin"][:4], [0.3, 0.3, 0.3, -0.3])
    assert {"item", "label", "gender", "age", "skin_tone", "correct", "confidence", "image"} <= set(outcome.items)
    assert outcome.facts["classes"] == list(CLASSES)
    assert outcome.facts["chance"] == [{"name": "accuracy", "chance": pytest.approx(1 / 3), "where": {}}]


def test_accuracy_and_recall_by_hand(outcome_of, stored, value_of):
    task, outcome = outcome_of()
    metrics = task.measure(stored(outcome))
    assert metrics.index["metric"][0] == "accuracy"
    assert value_of(metrics, "accuracy") == 7 / 12
    assert value_of(metrics, "accuracy", "gender", "masc") == 3 / 5
    assert value_of(metrics, "recall", class_="judge") == 0.5
    assert value_of(metrics, "recall", "gender", "fem", "doctor") == 0.5
    assert value_of(metrics, "recall", "gender", "fem", "doctor", column="n") == 2


def test_people_without_a_label_to_compare_are_reported(outcome_of, value_of):
    task, outcome = outcome_of()
    metrics = task.measure(outcome)
    assert value_of(metrics, "accuracy", "gender", "non_binary") == 1.0
    assert value_of(metrics, "accuracy", "gender", "non_binary", column="n") == 1
    assert value_of(metrics, "accuracy", "skin_tone", "na", column="n") == 12
    assert not any("non_binary" in group for group in metrics.index["group"][metrics.index["metric"] == "disparity"])


def test_disparities_by_hand(outcome_of, value_of):
    task, outcome = outcome_of()
    metrics = task.measure(outcome)
    assert value_of(metrics, "disparity", "gender", "masc-fem", "doctor") == 0.5
    assert value_of(metrics, "disparity", "gender", "masc-fem", "nurse") == -1.0
    assert np.isnan(value_of(metrics, "disparity", "gender", "masc-fem", "judge"))
    assert value_of(metrics, "mean_disparity", "gender", "masc-fem") == -0.25
    assert value_of(metrics, "mean_abs_disparity", "gender", "masc-fem") == 0.75
    assert value_of(metrics, "worst_disparity", "gender", "masc-fem") == -1.0
    assert value_of(metrics, "mean_disparity", "gender", "masc-fem", column="n") == 2


def test_a_pair_without_a_class_is_undetermined(outcome_of, value_of):
    task, outcome = outcome_of()
    metrics = task.measure(outcome)
    assert np.isnan(value_of(metrics, "mean_disparity", "age", "young-older"))
    assert value_of(metrics, "mean_disparity", "age", "young-older", column="n") == 0


def test_integer_weights_are_repeated_people(outcome_of):
    task, outcome = outcome_of()
    weights = np.arange(len(PEOPLE)) % 3
    weighted = task.measure(outcome, weights[None, :].astype(float)).frame()
    table = outcome.items.loc[outcome.items.index.repeat(weights)].reset_index(drop=True)
    repeated = Facet(FacetOptions(classes="present", min_group=1)).measure(
        type(outcome)(items=table, facts=outcome.facts)
    )
    names = ["metric", "attribute", "group", "class"]
    shared = weighted.merge(repeated.frame(), on=names, suffixes=("_w", "_r"))
    shared = shared[shared["metric"].isin(["accuracy", "recall"])]
    assert len(shared) > 20
    np.testing.assert_allclose(shared["value_w"], shared["value_r"])


def test_the_second_class_gets_credit_where_asked(facet_root, matrix):
    root = facet_root(
        [{"class1": "doctor", "class2": "nurse"}, {"class1": "nurse"}, {"class1": "nurse", "class2": "nurse"}]
    )
    scores = matrix([[0.1, 0.2], [0.1, 0.2], [0.3, 0.2]])
    for option, right, chance in (("ignore", [False, True, False], 1 / 2), ("credit", [True, True, False], 4 / 6)):
        task = Facet(FacetOptions(classes="present", class2=option))
        outcome = task.predict(scores, task.data(root))
        assert outcome.items["correct"].tolist() == right
        assert outcome.facts["chance"][0]["chance"] == pytest.approx(chance)


def test_the_group_that_is_served_worst(outcome_of, value_of):
    task, outcome = outcome_of()
    metrics = task.measure(outcome)
    # masc: 3 of 5 are right; fem: 3 of 6; non_binary is no group to compare
    assert value_of(metrics, "worst_group_recall", "gender") == pytest.approx(3 / 6)
    assert value_of(metrics, "recall_ratio", "gender") == pytest.approx((3 / 6) / (3 / 5))
    assert value_of(metrics, "worst_group_recall", "gender", column="n") == 2
    assert np.isnan(value_of(metrics, "worst_group_recall", "age"))  # all are young: nothing to compare


def test_every_cut_is_measured_beside_the_chosen_one(facet_root, matrix, value_of):
    people = [{"class1": "doctor", f"skin_tone_{tone}": "1"} for tone in (2, 2, 5, 5, 9, 9)]
    task = Facet(FacetOptions(classes="present", min_group=2))
    right = np.array([1, 1, 1, 0, 0, 0])
    people += [{"class1": "nurse"}]
    scores = np.r_[np.stack([right, 1 - right], axis=1), [[0, 1]]]
    metrics = task.measure(task.predict(matrix(scores), task.data(facet_root(people))))
    light_dark = {  # recall of tone 2 is 1, of 5 is 1/2, of 9 is 0
        "skin_tone": 1.0,
        "skin_tone[1-5/6-10]": 0.75,
        "skin_tone[mean<=5.5]": 0.75,
        "skin_tone[<=4/>=6]": 1.0,
    }
    for attribute, expected in light_dark.items():
        assert value_of(metrics, "mean_disparity", attribute, "light-dark") == pytest.approx(expected)
        assert value_of(metrics, "disparity", attribute, "light-dark", "doctor") == pytest.approx(expected)
    frame = metrics.frame()
    assert not frame[frame["attribute"].str.contains("[", regex=False) & frame["metric"].eq("recall")].size


def test_intersections_have_numbers_of_their_own(facet_root, matrix, value_of):
    people = [{"gender_presentation_masc": "1", "skin_tone_2": "1"}] * 2
    people += [{"gender_presentation_fem": "1", "skin_tone_9": "1"}] * 2
    options = FacetOptions(
        classes="present",
        min_group=2,
        intersections=(("gender", "skin_tone"),),
        intersection_pairs=(("masc×light", "fem×dark"),),
    )
    task = Facet(options)
    items = task.data(facet_root([*people, {"class1": "nurse"}]))
    outcome = task.predict(matrix([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]]), items)
    metrics = task.measure(outcome)
    assert value_of(metrics, "accuracy", "gender×skin_tone", "fem×dark") == 0.5
    assert value_of(metrics, "recall", "gender×skin_tone", "masc×light", "doctor") == 1
    assert value_of(metrics, "disparity", "gender×skin_tone", "masc×light-fem×dark", "doctor") == 0.5
    assert value_of(metrics, "worst_group_recall", "gender×skin_tone") == 0.5
    assert value_of(metrics, "accuracy", "gender×skin_tone", "na", column="n") == 1
