"""The records of the plugin are complete, and their options are checked. That importing them is light is tested by the
contract."""

import pytest

import qbench_benchmarks
from qbench.errors import RenamedWarning
from qbench.plugins.options import changed_options, make_options, options_dict
from qbench_benchmarks import CocoOptions, FacetOptions, FairFaceAttributesOptions, FairFaceOptions, ImageNetOptions

EVERY = list(qbench_benchmarks.qbench_benchmarks())
RECORDS = [record for record in EVERY if record.describe is None]


def test_the_benchmarks_are_there_and_the_one_that_data_describes_itself():
    assert [record.name for record in RECORDS] == [
        "imagenet",
        "coco",
        "coco-matching",
        "facet",
        "fairface",
        "fairface-attributes",
    ]
    assert RECORDS[-1].folder == "fairface"
    assert [record.name for record in EVERY if record not in RECORDS] == ["declared"]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_record_says_what_a_user_chooses_by(record):
    assert record.summary
    assert record.how_to_get
    assert record.licence
    assert record.citation
    assert all(metric.summary for metric in record.metrics)
    assert record.load(record.options()).options == record.options()


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (ImageNetOptions, {"classes": "some"}, "classes is 'some'; it is one of 'all', 'present'"),
        (ImageNetOptions, {"templates": "81"}, "templates is '81'"),
        (ImageNetOptions, {"subset": 0}, "subset is 0; it is 1 to 1000"),
        (ImageNetOptions, {"subset": ("a", "a")}, "subset names one twice"),
        (CocoOptions, {"block_mb": 0}, "block_mb is 0"),
        (CocoOptions, {"split": "train"}, "split is 'train'"),
        (CocoOptions, {"ks": ()}, "ks is \\[\\]"),
        (CocoOptions, {"ks": (0,)}, "whole numbers from 1"),
        (CocoOptions, {"ks": (1, 1)}, "names a cut-off twice"),
        (FacetOptions, {"image": "face"}, "image is 'face'"),
        (FacetOptions, {"persons": "few"}, "persons is 'few'"),
        (FacetOptions, {"class2": "half"}, "class2 is 'half'"),
        (FacetOptions, {"skin_cut": "5"}, "skin_cut is '5'"),
        (FacetOptions, {"classes": "none"}, "classes is 'none'"),
        (FacetOptions, {"min_group": 0}, "min_group is 0"),
        (FacetOptions, {"template": "a photo"}, "exactly one {}"),
        (FacetOptions, {"template": "{} and {}"}, "exactly one {}"),
        (FacetOptions, {"template": "{name}"}, "exactly one {}"),
        (FacetOptions, {"intersections": (("gender",),)}, "each is a list of two or more of gender, age, skin_tone"),
        (FacetOptions, {"intersections": (("gender", "race"),)}, "each is a list of two or more"),
        (FacetOptions, {"intersections": (("age", "gender"),) * 2}, "intersections names one twice"),
        (FairFaceOptions, {"ks": ("10",)}, 'a share of the gallery is written as "10%"'),
        (FairFaceOptions, {"ks": ("100%",)}, "above 0% and below 100%"),
        (FairFaceOptions, {"ks": ("5%", "5%")}, "names a cut-off twice"),
        (FairFaceOptions, {"ks": ()}, "one or more whole numbers"),
        (FairFaceOptions, {"balance": "race×gender"}, "balance is 'race×gender'; it is empty or one of race, gender"),
        (FairFaceAttributesOptions, {"ask": ()}, "ask is"),
        (FairFaceAttributesOptions, {"ask": ("hair",)}, "one or more of race, gender, age"),
        (FairFaceAttributesOptions, {"prompts": "other"}, "there are the sets plain-words"),
        (FairFaceOptions, {"ks": (True,)}, "whole numbers from 1"),
        (FairFaceOptions, {"target": "half"}, "target is 'half'"),
        (FairFaceOptions, {"prompts": "berg"}, "there are the sets berg-2022, concepts-10"),
        (FairFaceOptions, {"prompts": ()}, "one or more queries"),
        (FairFaceOptions, {"prompts": ("a", " ")}, "none of them empty"),
        (FairFaceOptions, {"prompts": ("a", "a")}, "names a query twice"),
    ],
)
def test_a_wrong_value_is_refused_in_words(kind, values, said):
    with pytest.raises(ValueError, match=said):
        kind(**values)


def test_lists_become_tuples():
    assert CocoOptions(ks=[1, 3]).ks == (1, 3)
    assert FairFaceOptions(prompts=["a face"]).prompts == ("a face",)


def test_the_former_name_of_facets_image_option_gives_the_same_labels_and_keys():
    present = make_options(FacetOptions, {"image": "full"}, where="benchmark facet")
    with pytest.warns(RenamedWarning, match="benchmark facet: 'picture' is now called 'image'"):
        former = make_options(FacetOptions, {"picture": "full"}, where="benchmark facet")
    assert former == present
    assert changed_options(former) == {"image": "full"}
    assert options_dict(former) == options_dict(present)
