"""What every statistic and every benchmark has to keep to."""

import numpy as np
import pandas as pd
import pytest

from qbench.api import Attribute, Outcome
from qbench.api.statistics import MetricKey, Number
from qbench.testing import BenchmarkContract, StatisticContract
from qbench.testing.statistics import Simulated

LIGHT = Attribute(name="light", groups=("day", "night"))
TOO_SURE = (0.15, 0.25)
"""How far confidence is above accuracy, before and after."""


def simulate(rng, n=1000):
    """Both variants are too sure of everything, the second one more: ECE is what they are too sure by."""
    confidence = rng.uniform(0.5, 1.0, n)
    light = rng.choice(LIGHT.groups, n)
    draw = rng.random(n)
    outcomes = []
    for gap in TOO_SURE:
        items = pd.DataFrame({"item": np.arange(n).astype(str), "label": "", "light": light, "confidence": confidence})
        outcomes.append(Outcome(items=items.assign(image=items["item"], correct=draw < confidence - gap)))
    number = Number(metric=MetricKey("ece"), attribute="light", group="night")
    truth = TOO_SURE[1] - TOO_SURE[0]
    return Simulated(before=outcomes[0], after=outcomes[1], number=number, truth=truth, attributes=(LIGHT,))


class TestCalibrationError(StatisticContract):
    @pytest.fixture(params=["ece", {"name": "ece", "options": {"bins": 5}}], ids=str)
    def statistic(self, request):
        return request.param

    @pytest.fixture
    def simulate(self):
        return simulate


class TestBenchmark(BenchmarkContract):
    @pytest.fixture
    def benchmark(self):
        return "example-animals-calibration"
