"""FairFace: labels, queries, rankings and their skews."""

import math

import numpy as np
import pytest

from qbench.api import DataError, Outcome
from qbench.data.promptsets import prompt_set
from qbench_benchmarks.fairface import FairFace
from qbench_benchmarks.options import FairFaceOptions

MAN, WOMAN = ("20-29", "Male", "White"), ("30-39", "Female", "Black")
PEOPLE = [MAN, WOMAN, MAN, WOMAN, MAN, WOMAN]
SCORES = np.array([[0.9, 0.1], [0.5, 0.5], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3], [0.5, 0.5]])
TWO = FairFaceOptions(ks=(2, 6), prompts=("a good face", "a bad face"))


@pytest.fixture
def outcome(fairface_root, matrix):
    """Two queries that prefer one gender each."""
    task = FairFace(TWO)
    return task.predict(matrix(SCORES), task.data(fairface_root(PEOPLE)))


def test_the_labels_are_read(fairface_root):
    items = FairFace().data(fairface_root(PEOPLE))
    assert items.table["item"].tolist() == [f"val/{i}.jpg" for i in range(1, 7)]
    assert items.table.iloc[1][["age", "gender", "race"]].tolist() == list(WOMAN)
    assert [len(a.groups) for a in items.attributes] == [7, 2, 9]
    assert items.choices["desired shares"] == "equal shares of all groups"


@pytest.mark.parametrize("age", ["9-Mar", "3-Sep", "Mar-9", "19-Oct", "Oct-19", "2003-09-03", "3/9/2024", "09.03.2003"])
def test_what_a_spreadsheet_makes_of_ages_is_refused_with_a_word_why(fairface_root, age):
    with pytest.raises(DataError, match=rf"row 3: the age '{age}' is a date: a spreadsheet has turned"):
        FairFace().data(fairface_root([MAN, (age, "Male", "White")]))


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (("100", "Male", "White"), "row 3: the age '100' is none of 0-2, 3-9"),
        (("3-9", "male", "White"), "row 3: the gender 'male' is none of Male, Female"),
        (("3-9", "Male", ""), "row 3: the race '' is none of"),
    ],
)
def test_unknown_labels_are_refused(fairface_root, person, said):
    with pytest.raises(DataError, match=said):
        FairFace().data(fairface_root([MAN, person]))


def test_a_picture_that_is_there_twice_or_outside_is_refused(fairface_root):
    path = fairface_root([MAN, WOMAN]) / "fairface_label_val.csv"
    original = path.read_text("utf-8")
    path.write_text(original.replace("val/2.jpg", "val/1.jpg"), "utf-8")
    with pytest.raises(DataError, match=r"row 3: the picture val/1\.jpg was there before, in row 2"):
        FairFace().data(path.parent)
    path.write_text(original.replace("val/2.jpg", "/val/2.jpg"), "utf-8")
    with pytest.raises(DataError, match=r"row 3: the picture '/val/2\.jpg' lies outside"):
        FairFace().data(path.parent)


def test_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match=r"fairface_label_val\.csv: the file does not exist\nDownload"):
        FairFace().data(tmp_path)


def test_rankings_are_whole_and_ties_go_to_the_first(outcome):
    assert outcome.facts["queries"] == ["a good face", "a bad face"]
    assert outcome.rankings["query"].astype(str).tolist() == ["a good face"] * 6 + ["a bad face"] * 6
    assert outcome.rankings["item"].tolist() == [0, 2, 4, 1, 5, 3, 3, 1, 5, 4, 2, 0]
    assert outcome.rankings["item"].dtype == np.int32


def test_many_equal_similarities_keep_the_order_of_the_gallery(fairface_root, matrix):
    scores = np.tile([[0.5], [0.25], [0.5]], (40, 1))
    task = FairFace(FairFaceOptions(prompts=("a face",)))
    ranked = task.predict(matrix(scores), task.data(fairface_root([MAN] * 120))).rankings["item"].tolist()
    assert ranked == [i for i in range(120) if i % 3 != 1] + list(range(1, 120, 3))


def test_skews_by_hand(outcome, stored, value_of):
    metrics = FairFace(TWO).measure(stored(outcome))
    for query, favoured, other in (("a good face", "Male", "Female"), ("a bad face", "Female", "Male")):
        assert value_of(metrics, "skew@2", "gender", favoured, query) == pytest.approx(math.log(2))
        assert value_of(metrics, "skew@2", "gender", other, query) == pytest.approx(0.0)  # no hit counts as 1/2
        assert value_of(metrics, "max_skew@2", "gender", "", query) == pytest.approx(math.log(2))
        assert value_of(metrics, "min_skew@2", "gender", "", query) == pytest.approx(0.0)
    assert metrics.index["metric"][0] == "max_skew@2"
    assert value_of(metrics, "max_skew@2", "gender") == pytest.approx(math.log(2))
    assert value_of(metrics, "skew@2", "gender", "Male") == pytest.approx(math.log(2) / 2)
    assert value_of(metrics, "max_skew@2", "gender", column="n") == 2
    assert value_of(metrics, "ndkl", "gender") > 0


def test_the_whole_gallery_is_undetermined_and_absent_groups_are_left_out(outcome, value_of):
    metrics = FairFace(TWO).measure(outcome)
    assert np.isnan(value_of(metrics, "max_skew@6", "gender"))
    assert np.isnan(value_of(metrics, "skew@2", "race", "Indian", "a good face"))
    assert value_of(metrics, "max_skew@2", "race", "", "a good face") == pytest.approx(math.log(2))


def test_the_gallery_as_target(fairface_root, matrix, value_of):
    task = FairFace(FairFaceOptions(ks=(2,), target="gallery", prompts=("a face",)))
    items = task.data(fairface_root([MAN, WOMAN, MAN, MAN]))
    metrics = task.measure(task.predict(matrix([[0.9], [0.8], [0.7], [0.6]]), items))
    assert value_of(metrics, "skew@2", "gender", "Male") == pytest.approx(math.log(0.5 / 0.75))


def test_weights_resample_the_gallery(outcome):
    task = FairFace(TWO)
    weights = np.array([[1.0] * 6, [0.0, 2, 0, 1, 2, 1]])
    both = task.measure(outcome, weights)
    for row in range(2):
        np.testing.assert_array_equal(both.values[row], task.measure(outcome, weights[[row]]).values[0])
    frame = both.frame(1).set_index(["metric", "attribute", "group", "class"])["value"]
    assert frame["skew@2", "gender", "Male", "a good face"] == pytest.approx(math.log(2))
    assert frame["skew@2", "gender", "Female", "a bad face"] == pytest.approx(math.log(2))


def test_damaged_rankings_are_refused(outcome):
    short = Outcome(items=outcome.items, rankings=outcome.rankings[:-1], facts=outcome.facts)
    mixed = Outcome(items=outcome.items, rankings=outcome.rankings[::-1], facts=outcome.facts)
    with pytest.raises(ValueError, match="no 2 whole rankings"):
        FairFace(TWO).measure(short)
    with pytest.raises(ValueError, match="not in the order of the queries"):
        FairFace(TWO).measure(mixed)


def test_the_shipped_prompt_sets():
    ten, berg = prompt_set("concepts-10"), prompt_set("berg-2022")
    assert (len(ten.texts), len(berg.texts)) == (10, 11 * 29)
    assert "a photo of a criminal person" in ten.targets
    assert "This individual is trustworthy" in berg.targets
    for chosen in (ten, berg):
        assert len(set(chosen.targets)) == len(chosen.targets)
        assert not chosen.pool
    assert (ten.name, berg.name) == ("concepts-10", "berg-2022")


def test_a_prompt_set_is_hashed_by_its_content():
    first, second = prompt_set(("a", "b")).facts(), prompt_set(("b", "a")).facts()
    assert first["name"] == second["name"] == "custom"
    assert first["sha256"] != second["sha256"]


def test_a_pooled_set_has_a_query_for_each_term(tmp_path, monkeypatch):
    content = 'name = "p"\nversion = 1\nsource = "s"\npool = true\ntemplates = ["a {}", "the {}"]\nterms = ["x", "y"]\n'
    (tmp_path / "p.toml").write_text(content, "utf-8")
    monkeypatch.setattr("qbench.data.promptsets.FOLDER", tmp_path)
    task = FairFace(FairFaceOptions(prompts="p"))
    prompts = task.prompts(None)
    assert prompts.pool
    assert prompts.texts == ("a x", "the x", "a y", "the y")
    assert prompts.targets == ("x", "y")
    assert prompts.target_of.tolist() == [0, 0, 1, 1]


def test_the_real_labels(real_data):
    items = FairFace().data(real_data("fairface"))
    assert len(items) == 10_954
    assert items.table["race"].nunique() == 7
    assert items.table["age"].value_counts()["more than 70"] == 118
