"""Options of a spec become a record's dataclass, checked before anything heavy is imported."""

from dataclasses import dataclass
from typing import Literal

import pytest

from qbench.errors import InputError
from qbench.plugins.options import changed_options, make_options, options_dict


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


@pytest.mark.parametrize("values", [{"kind": "int4"}, {"threshold": "much"}, {"threshold": -1}, {"ks": ["a"]}])
def test_a_wrong_value_is_the_users_error(values):
    with pytest.raises(InputError, match=f"q.*{next(iter(values))}"):
        make_options(Options, values, where="q")


def test_options_as_plain_values():
    assert options_dict(Options(ks=(3,))) == {"kind": "nf4", "threshold": 6.0, "ks": [3]}
    assert changed_options(Options(ks=(3,))) == {"ks": [3]}
    assert changed_options(Options()) == {}
