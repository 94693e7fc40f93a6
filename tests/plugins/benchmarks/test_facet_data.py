"""FACET's annotations: groups, boxes, images, and what is refused."""

import numpy as np
import pytest

from qbench.api import DataError, InputError
from qbench_benchmarks.facet import Facet
from qbench_benchmarks.facet_classes import CLASSES
from qbench_benchmarks.facet_groups import attributes, skin_tones
from qbench_benchmarks.options import FacetOptions


def votes(**counts):
    """One person's votes: ``t3=2`` is two votes for tone 3."""
    row = np.zeros((1, 10), dtype=np.int64)
    for tone, count in counts.items():
        row[0, int(tone[1:]) - 1] = count
    return row


def test_groups_come_from_the_columns(facet_root):
    root = facet_root(
        [
            {"gender_presentation_masc": "1", "age_presentation_young": "1", "skin_tone_2": "3"},
            {"gender_presentation_fem": "1", "age_presentation_older": "1.0", "skin_tone_9": "2"},
            {"gender_presentation_non_binary": "1", "age_presentation_na": "1", "skin_tone_5": "1"},
            {"gender_presentation_masc": "1", "gender_presentation_fem": "1"},
        ]
    )
    items = Facet().data(root)
    assert items.table["gender"].tolist() == ["masc", "fem", "non_binary", "several"]
    assert items.table["age"].tolist() == ["young", "older", "na", "na"]
    assert items.table["skin_tone"].tolist() == ["light", "dark", "medium", "na"]
    others = ["skin_tone[1-5/6-10]", "skin_tone[mean<=5.5]", "skin_tone[<=4/>=6]"]
    assert [a.name for a in items.attributes] == ["gender", "age", "skin_tone", *others]
    assert items.attributes[0].pairs == (("masc", "fem"),)


@pytest.mark.parametrize(
    ("cut", "cast", "expected"),
    [
        ("1-3/4-6/7-10", votes(t3=1), "light"),
        ("1-3/4-6/7-10", votes(t3=1, t4=1), "medium"),
        ("1-3/4-6/7-10", votes(t6=1), "medium"),
        ("1-3/4-6/7-10", votes(t6=1, t7=1), "dark"),
        ("1-5/6-10", votes(t5=2, t10=1), "light"),
        ("1-5/6-10", votes(t1=1, t6=2), "dark"),
        ("1-5/6-10", votes(t1=1, t10=1), "tie"),
        ("mean<=5.5", votes(t5=1, t6=1), "light"),
        ("mean<=5.5", votes(t5=1, t6=2), "dark"),
        ("<=4/>=6", votes(t4=1), "light"),
        ("<=4/>=6", votes(t4=1, t5=1), "between"),
        ("<=4/>=6", votes(t6=1), "dark"),
        *((cut, votes(), "na") for cut in ("1-3/4-6/7-10", "1-5/6-10", "mean<=5.5", "<=4/>=6")),
    ],
)
def test_the_cuts_of_the_skin_tones(cut, cast, expected):
    assert skin_tones(cast, cut) == [expected]
    tone = attributes(cut)[2]
    assert (expected in tone.groups) == (expected not in {"tie", "between", "na"})


def test_the_cut_is_an_option_and_named(facet_root):
    items = Facet(FacetOptions(skin_cut="<=4/>=6")).data(facet_root([{"skin_tone_5": "1"}]))
    assert items.table["skin_tone"].tolist() == ["between"]
    assert items.attributes[2].groups == ("light", "dark")
    assert "at most 4, at least 6" in items.choices["skin tone"]


def test_boxes_are_read_in_both_quotings_and_cut_at_the_edge(facet_root):
    root = facet_root(
        [
            {"bounding_box": '{"x": 1.5, "y": 2, "width": 30, "height": 40}'},
            {"bounding_box": "{'x': -4, 'y': -3, 'width': 10, 'height': 10}"},
        ]
    )
    items = Facet().data(root)
    assert [ref.box for ref in items.images] == [(1.5, 2.0, 30.0, 40.0), (0.0, 0.0, 6.0, 7.0)]


def test_persons_of_one_image_share_it_only_where_it_is_whole(facet_root):
    people = [
        {"filename": "sa_1.jpg"},
        {"filename": "sa_1.jpg", "bounding_box": "{'x': 5, 'y': 5, 'width': 9, 'height': 9}"},
        {"filename": "sa_2.jpg"},
    ]
    root = facet_root(people)
    assert Facet().data(root).table["image_index"].tolist() == [0, 1, 2]
    whole = Facet(FacetOptions(image="full")).data(root)
    assert whole.table["image_index"].tolist() == [0, 0, 1]
    assert [ref.box for ref in whole.images] == [None, None]
    assert whole.table["image"].tolist() == ["imgs_1/sa_1.jpg"] * 2 + ["imgs_1/sa_2.jpg"]


def test_images_are_found_in_any_folder_of_images(facet_root):
    root = facet_root([{"filename": "sa_1.jpg"}, {"filename": "sa_2.jpg"}, {"filename": "imgs_2/sa_3.jpg"}])
    for name in ("imgs_1/other.jpg", "imgs_3/sa_1.jpg"):
        (root / name).parent.mkdir()
        (root / name).touch()
    items = Facet().data(root)
    assert items.table["image"].tolist() == ["imgs_3/sa_1.jpg", "imgs_1/sa_2.jpg", "imgs_2/sa_3.jpg"]


def test_single_persons_only(facet_root):
    people = [
        {"filename": "sa_1.jpg"},
        {"filename": "sa_1.jpg"},
        {"filename": "sa_2.jpg", "class2": "nurse"},
        {"filename": "sa_3.jpg", "person_id": "p"},
    ]
    root = facet_root(people)
    assert Facet(FacetOptions(persons="single")).data(root).table["item"].tolist() == ["p"]
    with pytest.raises(DataError, match="no person is alone"):
        Facet(FacetOptions(persons="single")).data(facet_root(people[:3]))


def test_prompts_spell_classes_with_spaces(facet_root):
    root = facet_root([{"class1": "tennis_player"}, {"class1": "doctor"}])
    task = Facet(FacetOptions(classes="present", template="this is a {}"))
    prompts = task.prompts(task.data(root))
    assert prompts.texts == ("this is a doctor", "this is a tennis player")
    assert prompts.targets == ("doctor", "tennis_player")
    everything = Facet()
    assert everything.prompts(everything.data(root)).targets == CLASSES
    assert len(set(CLASSES)) == 52


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ({"class1": "Doctor"}, "row 3: the class 'Doctor' is not one of FACET's 52"),
        ({"class1": ""}, "row 3: the class '' is not one"),
        ({"class2": "docter"}, "row 3: the class 'docter' is not one"),
        ({"person_id": "0"}, "row 3: the person_id 0 occurs already in row 2"),
        ({"filename": "../sa_1.jpg"}, "row 3: the image '../sa_1.jpg' lies outside"),
        ({"gender_presentation_fem": "yes"}, "row 3: gender_presentation_fem is 'yes', not 0 or 1"),
        ({"age_presentation_young": "2"}, "row 3: age_presentation_young is '2', not 0 or 1"),
        ({"skin_tone_4": "-1"}, "row 3: skin_tone_4 is '-1', not a count of votes"),
        ({"skin_tone_4": "nan"}, "row 3: skin_tone_4 is 'nan'"),
        ({"bounding_box": "1, 2, 3, 4"}, "row 3: the bounding box '1, 2, 3, 4' is not a dict"),
        ({"bounding_box": "{'x': 1, 'y': 2}"}, "row 3: the bounding box .* is not a dict"),
        ({"bounding_box": "__import__('os')"}, "row 3: the bounding box .* is not a dict"),
        ({"bounding_box": '{"x": 1, "y": 2, "width": 0, "height": 4}'}, "row 3: the bounding box .* is empty"),
        ({"bounding_box": '{"x": 1, "y": 2, "width": NaN, "height": 4}'}, "row 3: the bounding box .* is empty"),
    ],
)
def test_malformed_rows_are_refused(facet_root, person, said):
    with pytest.raises(DataError, match=said):
        Facet().data(facet_root([{}, person]))


def test_the_box_is_not_needed_for_whole_images(facet_root):
    items = Facet(FacetOptions(image="full")).data(facet_root([{"bounding_box": ""}]))
    assert len(items) == 1


def test_columns_are_those_of_the_real_file(real_data):
    from qbench_benchmarks.facet_table import COLUMNS

    folder = real_data("facet")
    assert set(COLUMNS) <= set((folder / "columns.txt").read_text("utf-8").split())
    assert list(CLASSES) == (folder / "facet_classes_52.txt").read_text("utf-8").split()


def test_the_ten_tones_and_every_cut_stay_in_the_table(facet_root):
    items = Facet().data(facet_root([{"skin_tone_4": "2", "skin_tone_5": "1"}, {}]))
    assert items.table["skin_tone_4"].tolist() == [2, 0]
    np.testing.assert_allclose(items.table["tone_mean"], [13 / 3, np.nan])
    assert items.table["skin_tone"].tolist() == ["medium", "na"]
    assert items.table["skin_tone[1-5/6-10]"].tolist() == ["light", "na"]
    assert items.table["skin_tone[<=4/>=6]"].tolist() == ["between", "na"]
    alone = Facet(FacetOptions(other_cuts=False)).data(facet_root([{}]))
    assert not [name for name in alone.table if "[" in name]
    assert "skin_tone_10" in alone.table


def test_intersections_have_a_column_and_pairs_where_they_are_asked(facet_root):
    root = facet_root(
        [
            {"gender_presentation_masc": "1", "skin_tone_2": "3"},
            {"gender_presentation_fem": "1", "skin_tone_9": "2"},
            {"gender_presentation_non_binary": "1", "skin_tone_9": "2"},
            {"gender_presentation_fem": "1"},
        ]
    )
    pair = ("masc×light", "fem×dark")
    items = Facet(FacetOptions(intersections=[["gender", "skin_tone"]], intersection_pairs=[pair])).data(root)
    crossing = next(a for a in items.attributes if a.name == "gender×skin_tone")
    assert items.table["gender×skin_tone"].tolist() == ["masc×light", "fem×dark", "na", "na"]
    assert crossing.groups == tuple(f"{g}×{t}" for g in ("masc", "fem") for t in ("light", "medium", "dark"))
    assert crossing.pairs == (pair,)
    assert items.choices["intersections"] == "gender×skin_tone"


def test_a_pair_that_no_intersection_has_is_refused():
    options = FacetOptions(intersections=(("gender", "age"),), intersection_pairs=(("masc×light", "fem×dark"),))
    with pytest.raises(InputError, match="no intersection has both groups of the pair masc×light and fem×dark"):
        Facet(options)


def test_a_box_outside_the_image_names_image_and_row(facet_root):
    from PIL import Image

    from qbench.api import Geometry
    from qbench.images.decoding import decode_image

    root = facet_root([{}, {"bounding_box": "{'x': 50, 'y': 0, 'width': 9, 'height': 9}"}])
    (root / "imgs_1").mkdir()
    Image.new("RGB", (40, 60)).save(root / "imgs_1" / "sa_1.jpg")
    with pytest.raises(DataError, match=r"sa_1\.jpg: the box .* lies outside .*named in .*annotations\.csv:row 3"):
        decode_image(Facet().data(root).images[1], Geometry(size=8))
    with pytest.raises(DataError, match=r"sa_0\.jpg: the image is missing; it is named in .*annotations\.csv:row 2"):
        decode_image(Facet().data(root).images[0], Geometry(size=8))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(b"class1", b"klass1", 1), "row 1: the column class1 is missing"),
        (lambda text: text.replace(b"sa_1", b"sa_\xff", 1), "is not UTF-8"),
        (lambda text: text.replace(b"doctor", b"nan", 1), "row 2: the class 'nan' is not one of FACET's 52"),
    ],
)
def test_a_malformed_file_is_refused(facet_root, change, said):
    path = facet_root([{}, {}]) / "annotations" / "annotations.csv"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=rf"annotations\.csv.*{said}"):
        Facet().data(path.parents[1])
