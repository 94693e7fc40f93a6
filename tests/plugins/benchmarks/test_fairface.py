"""FairFace: labels, queries, rankings and their skews."""

import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.api import DataError, Outcome
from qbench.cli.data import _print as print_checked
from qbench.data.promptsets import prompt_set
from qbench.execution.data_check import as_dict, check_data
from qbench.plugins.registry import installed
from qbench.spec.model import BenchmarkSpec
from qbench.stats.validity import in_gallery_order, same_for_every_query
from qbench.store.cache import Cache
from qbench_benchmarks.fairface import FairFace
from qbench_benchmarks.gallery import balanced
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
    assert items.choices["desired shares"] == "equal shares of the groups that have images"


@pytest.mark.parametrize("age", ["9-Mar", "3-Sep", "Mar-9", "19-Oct", "Oct-19", "2003-09-03", "3/9/2024", "09.03.2003"])
def test_what_a_spreadsheet_makes_of_ages_is_refused_with_a_word_why(fairface_root, age):
    with pytest.raises(DataError, match=rf"row 3: the age '{age}' is a date: a spreadsheet has turned"):
        FairFace().data(fairface_root([MAN, (age, "Male", "White")]))


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (("100", "Male", "White"), "row 3: the age '100' is not one of 0-2, 3-9"),
        (("3-9", "male", "White"), "row 3: the gender 'male' is not one of Male, Female"),
        (("3-9", "Male", ""), "row 3: the race '' is not one of"),
    ],
)
def test_unknown_labels_are_refused(fairface_root, person, said):
    with pytest.raises(DataError, match=said):
        FairFace().data(fairface_root([MAN, person]))


def test_a_image_that_is_there_twice_or_outside_is_refused(fairface_root):
    path = fairface_root([MAN, WOMAN]) / "fairface_label_val.csv"
    original = path.read_text("utf-8")
    path.write_text(original.replace("val/2.jpg", "val/1.jpg"), "utf-8")
    with pytest.raises(DataError, match=r"row 3: the image val/1\.jpg occurs already in row 2"):
        FairFace().data(path.parent)
    path.write_text(original.replace("val/2.jpg", "/val/2.jpg"), "utf-8")
    with pytest.raises(DataError, match=r"row 3: the image '/val/2\.jpg' lies outside"):
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
    with pytest.raises(ValueError, match="not 2 rankings"):
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


def test_the_real_labels_with_1000_of_10954_images(real_data):
    from qbench.data.subset import present

    folder = real_data("fairface")
    items = FairFace().data(folder)
    with pytest.raises(DataError, match="9954 of 10954 items are missing") as caught:
        present(items, allow_missing=False, where="fairface")
    labels = pd.read_csv(folder / "fairface_label_val.csv")
    gone = labels[[not (folder / name).exists() for name in labels["file"]]]
    for attribute in ("race", "gender", "age"):
        counts = ", ".join(f"{group} {n}" for group, n in gone[attribute].value_counts().sort_index().items())
        assert f"{attribute}: {counts}" in str(caught.value)
    kept, missing = present(items, allow_missing=True, where="fairface")
    assert (len(kept), missing["count"]) == (1000, 9954)
    assert sum(missing["by_group"]["race"].values()) == 9954


def test_a_cut_off_may_be_a_share_of_the_gallery(fairface_root, matrix):
    task = FairFace(FairFaceOptions(ks=("50%", 3, "10%"), prompts=("a", "b")))
    outcome = task.predict(matrix(SCORES), task.data(fairface_root(PEOPLE)))
    assert outcome.facts["cutoffs"] == {"50%": 3, "3": 3, "10%": 1}
    names = set(task.measure(outcome).index["metric"])
    assert {name for name in names if name.startswith("max_skew")} == {"max_skew@3", "max_skew@1"}


def test_a_balanced_gallery_has_as_many_of_each_group(fairface_root, matrix, value_of):
    people = [MAN] * 5 + [WOMAN] * 2 + [MAN] * 3
    task = FairFace(FairFaceOptions(ks=(2,), prompts=("a",), balance="gender"))
    items = task.data(fairface_root(people))
    outcome = task.predict(matrix(np.arange(10.0)[:, None]), items)
    assert outcome.items["gender"].value_counts().to_dict() == {"Male": 2, "Female": 2}
    assert outcome.facts["gallery"] == {"items": 4, "of": 10, "balanced": "gender", "each": 2}
    ranked = outcome.items["item"].to_numpy()[outcome.rankings["item"]].tolist()
    assert ranked == sorted(ranked, key=lambda name: -int(name[4:-4]))
    assert value_of(task.measure(outcome), "max_skew@2", "gender") >= 0
    assert "as many images of each gender as the rarest has, drawn with seed 0" in items.choices["gallery"]


def test_which_images_balance_depends_on_ids_and_seed_only():
    items = pd.Series([f"val/{i}.jpg" for i in range(40)])
    values = pd.Series(["a"] * 30 + ["b"] * 10)
    rows, each = balanced(values, ("a", "b", "none"), items, 0)
    mixed = np.random.default_rng(0).permutation(40)
    again, _ = balanced(values[mixed], ("a", "b", "none"), items[mixed], 0)
    assert each == 10
    assert set(items[rows]) == set(items[mixed].to_numpy()[again])
    assert set(items[rows]) != set(items[balanced(values, ("a", "b"), items, 1)[0]])
    with pytest.raises(DataError, match="fewer than two groups"):
        balanced(values[:30], ("a", "b"), items[:30], 0)


def test_intersections_are_ranked_too(fairface_root, matrix, value_of):
    task = FairFace(FairFaceOptions(ks=(2,), prompts=("a", "b"), intersections=(("race", "gender"),)))
    items = task.data(fairface_root(PEOPLE))
    assert items.table["race×gender"].tolist()[:2] == ["White×Male", "Black×Female"]
    metrics = task.measure(task.predict(matrix(SCORES), items))
    assert value_of(metrics, "skew@2", "race×gender", "White×Male", "a") == pytest.approx(math.log(2))
    assert value_of(metrics, "max_skew@2", "race×gender", "", "a") == pytest.approx(math.log(2))


def test_damaged_label_files_are_refused(fairface_root):
    path = fairface_root([MAN, WOMAN]) / "fairface_label_val.csv"
    original = path.read_bytes()
    for old, new, said in (
        (b"race", b"rasse", "row 1: the column race is missing"),
        (b"White", b"W\xffite", "is not UTF-8"),
        (b"Black", b"nan", "row 3: the race 'nan' is not one of"),
        (b"val/2", b"../val/2", r"row 3: the image '\.\./val/2\.jpg' lies outside"),
    ):
        path.write_bytes(original.replace(old, new))
        with pytest.raises(DataError, match=said):
            FairFace().data(path.parent)


def test_skews_of_the_whole_gallery_are_said_before_anything_is_computed(fairface_root, tmp_path, capsys):
    root = fairface_root(PEOPLE)
    for i in range(1, 6):  # the sixth image is missing, so that five are ranked
        path = root / "val" / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4), (i, 0, 0)).save(path)
    spec = {"name": "fairface", "root": str(root), "options": {"ks": [2, 5]}, "allow_missing": True}
    checked = check_data(BenchmarkSpec.model_validate(spec), installed(), cache=Cache(tmp_path / "cache"))
    whole = [one for one in checked.unavailable if one.metric.endswith("@5")]
    assert [one.metric for one in whole] == ["max_skew@5", "min_skew@5", "skew@5"]
    assert "the top 5 are the whole gallery of 5 images" in whole[0].words
    assert {one["metric"] for one in as_dict(checked)["unavailable"]} >= {"skew@5"}
    print_checked(checked, None, [], [])
    said = capsys.readouterr().out
    assert "Numbers that this data cannot give:\n  max_skew@5, min_skew@5, skew@5: the top 5 are the whole" in said


@pytest.mark.parametrize("balance", ["", "gender"])
def test_constant_embeddings_are_seen_in_the_rankings(fairface_root, matrix, balance):
    task = FairFace(FairFaceOptions(balance=balance))
    items = task.data(fairface_root([MAN, WOMAN, MAN] * 10))
    scores = np.random.default_rng(0).uniform(size=(30, len(task.prompts(items).targets)))

    def rankings(values):
        found = task.predict(matrix(values), items).rankings["item"].to_numpy(np.int64)
        return found.reshape(values.shape[1], -1)

    all_images_alike = np.repeat(scores[:1], 30, axis=0)
    all_queries_alike = np.repeat(scores[:, :1], scores.shape[1], axis=1)
    assert in_gallery_order(rankings(all_images_alike)) == 1
    assert same_for_every_query(rankings(all_queries_alike)) == 1
    assert in_gallery_order(rankings(scores)) < 0.7
    assert same_for_every_query(rankings(scores)) == 0
