"""Labels that mean one class are found, whatever makes them differ."""

import pytest

from qbench.data.labels import same_labels


@pytest.mark.parametrize(
    "labels",
    [
        ("woman", "woman "),
        ("woman", "Woman"),
        ("tennis player", "tennis_player"),
        ("tennis player", "tennis  player"),
        ("tennis player", "tennis\u00a0player"),
        ("caf\u00e9", "cafe\u0301"),
        ("3", "3.0"),
        ("3", "03"),
        ("Stra\u00dfe", "STRASSE"),
        ("0.5", ".50"),
        ("nurse", "nurse\u200b"),
        ("nurse", "nur\u00adse"),
        ("\u200enurse", "nurse"),
        ("heart \u2764", "heart \u2764\ufe0f"),
    ],
)
def test_one_class_of_two_spellings(labels):
    assert same_labels(["other", *labels]) == [tuple(sorted(labels))]


def test_different_classes_are_left_alone():
    assert same_labels(["man", "woman", "men", "3", "3.5", "30", "a-b", "a b", "a.b", "1e3", "1000", "nan"]) == []
    assert same_labels(["1234567890123456789", "1234567890123456788", "9" * 5000, "1/2", "0.5", ".", "\u200b"]) == []


def test_the_same_label_twice_is_one_label():
    assert same_labels(["man", "man"]) == []
