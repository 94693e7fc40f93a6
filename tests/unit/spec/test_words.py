"""Words of a command line become parts of a spec."""

import pytest

from qbench.errors import InputError
from qbench.spec.words import read_quantizer


def test_options_are_toml_values_or_else_texts():
    said = ["a=0.5", "b = true", 'c=["*.fc2", "x"]', "d=image", 'e="0.5"', "f=", "g=a=b"]
    expected = {"a": 0.5, "b": True, "c": ["*.fc2", "x"], "d": "image", "e": "0.5", "f": "", "g": "a=b"}
    assert read_quantizer("q", said).options == expected


@pytest.mark.parametrize(
    ("said", "message"), [(["a"], "is not an option"), (["=1"], "is not an option"), (["a=1", "a=2"], "more than once")]
)
def test_what_is_no_option_is_refused(said, message):
    with pytest.raises(InputError, match=message):
        read_quantizer("q", said)
