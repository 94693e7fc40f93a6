"""What a statistic says of a stored table must follow from the table: shown on one whose bounds need an option."""

from dataclasses import dataclass

import numpy as np
import pytest

from qbench.api import StatisticKind
from qbench.plugins.registry import Entry, Plugin
from qbench.testing.statistics import StatisticContract
from tests.contracts.test_they_bite import broken, simulated_scores


@dataclass(frozen=True, kw_only=True)
class Options:
    wide: bool = False


def make(options):
    inner = broken.statistics._mean_of_scores({})
    bounds = inner.bounds
    inner.bounds = lambda effects, confidence: tuple(
        x * (2 if options.wide else 1) for x in bounds(effects, np.asarray(confidence))
    )
    return inner


def test_bounds_that_need_an_option_are_caught():
    record = StatisticKind(name="wide", summary="its bounds need an option", make=make, options=Options)
    entry = Entry(plugin=Plugin(name="x", module="x", distribution="x", version="1"), record=record)
    contract = StatisticContract()
    drawn = simulated_scores(np.random.default_rng(0))
    from qbench.api import StatisticRef

    reference = StatisticRef("wide", {"wide": True})
    check = contract.test_what_is_known_follows_from_the_stored_table
    check(entry, make(Options()), drawn, reference)
    with pytest.raises(AssertionError, match="bounds depend on more than the table"):
        check(entry, make(Options(wide=True)), drawn, reference)
