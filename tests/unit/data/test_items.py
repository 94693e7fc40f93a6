"""Attributes say which groups are compared."""

import pytest

from qbench.data.items import Attribute


def test_pairs_with_the_same_label_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\['x', 'y-z'\] and \['x-y', 'z'\] of 'age' have the same label 'x-y-z'"):
        Attribute(name="age", groups=("x", "y-z", "x-y", "z"), pairs=(("x", "y-z"), ("x-y", "z")))


@pytest.mark.parametrize("name", ["cosine", "model", "before", "label", "label2"])
def test_a_name_that_results_have_as_a_column_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"an attribute cannot be called '{name}'"):
        Attribute(name=name, groups=("x", "y"))


def test_pairs_are_found_by_their_label() -> None:
    both = Attribute(name="age", groups=("x", "y"), pairs=(("x", "y"), ("y", "x")))
    assert {label: tuple(pair) for label, pair in both.group_pairs.items()} == {"x-y": ("x", "y"), "y-x": ("y", "x")}
