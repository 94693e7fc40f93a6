"""Options of a spec become a record's dataclass, checked before anything heavy is imported."""

import warnings
from dataclasses import dataclass, field
from typing import Literal

import pytest

from qbench.errors import InputError, RenamedWarning
from qbench.plugins.options import changed_options, make_options, options_dict, renamed_from
from qbench.plugins.registry import installed


@dataclass(frozen=True)
class Options:
    kind: Literal["nf4", "fp4"] = "nf4"
    threshold: float = 6.0
    ks: tuple[int, ...] = (1, 5)

    def __post_init__(self):
        if self.threshold < 0:
            raise ValueError("threshold has to be 0 or more")


def test_defaults_and_values():
    assert make_options(Options, {}, where="q") == Options()
    assert make_options(Options, {"ks": [1, 2], "threshold": 5}, where="q") == Options(ks=(1, 2), threshold=5.0)


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(InputError, match=r"q: unknown option 'treshold'\nDid you mean 'threshold'\?"):
        make_options(Options, {"treshold": 1}, where="q")


@pytest.mark.parametrize(
    "values",
    [
        *({"kind": "int4"}, {"threshold": "much"}, {"threshold": -1}, {"ks": ["a"]}),
        *({"threshold": "0.5"}, {"threshold": True}, {"ks": ["3"]}, {"ks": [3, True]}, {"ks": [8.0]}),
    ],
)
def test_a_wrong_value_is_the_users_error(values):
    with pytest.raises(InputError, match=f"q.*{next(iter(values))}"):
        make_options(Options, values, where="q")


def test_options_as_plain_values():
    assert options_dict(Options(ks=(3,))) == {"kind": "nf4", "threshold": 6.0, "ks": [3]}
    assert changed_options(Options(ks=(3,))) == {"ks": [3]}
    assert changed_options(Options()) == {}


@dataclass(frozen=True)
class Renamed:
    image: Literal["crop", "full"] = field(default="crop", metadata=renamed_from("picture"))


def test_a_former_name_works_with_a_warning_and_gives_the_same_options():
    with pytest.warns(RenamedWarning, match=r"benchmark b: 'picture' is now called 'image'"):
        made = make_options(Renamed, {"picture": "full"}, where="benchmark b")
    assert made == make_options(Renamed, {"image": "full"}, where="benchmark b")
    assert options_dict(made) == changed_options(made) == {"image": "full"}


def test_a_former_name_is_warned_about_once():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            make_options(Renamed, {"picture": "full"}, where="benchmark asked thrice")
    assert len(caught) == 1


def test_a_wrong_value_under_a_former_name_is_refused():
    with pytest.warns(RenamedWarning), pytest.raises(InputError, match="b: option 'image'"):
        make_options(Renamed, {"picture": "half"}, where="b")


def test_both_names_together_are_refused():
    with pytest.raises(InputError, match="'picture' is the former name of 'image', and both are given"):
        make_options(Renamed, {"picture": "full", "image": "full"}, where="b")


def test_options_that_were_stored_under_a_former_name_are_read_without_a_warning():
    assert make_options(Renamed, {"picture": "full"}, where="b", warn=False) == Renamed(image="full")


@pytest.mark.parametrize("source", ["clip", "siglip", "generative"])
def test_a_revision_that_a_path_would_make_meaningless_is_refused(source):
    kind = installed().model(source).record.options
    make_options(kind, {"path": "weights"}, where="m")
    make_options(kind, {"revision": "v2"}, where="m")
    with pytest.raises(InputError, match="m: revision is 'v2' and has no meaning where path names files"):
        make_options(kind, {"path": "weights", "revision": "v2"}, where="m")
