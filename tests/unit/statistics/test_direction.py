"""One rule for when the sign of a gap is clear, used by the analysis and by the gate."""

from __future__ import annotations

import numpy as np
import pytest

from qbench.analysis.verdicts import decide
from qbench.gate.loss import losses_of
from qbench.report.effect_rows import movement
from qbench.statistics.direction import CLEAR, clear_sign, least_level
from qbench.statistics.settings import Settings
from tests.unit.analysis.test_verdicts import row


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("error", "sign"), [(0.0, 1), (0.079, 1), (0.0801, 0), (np.nan, 0)])
def test_the_sum_is_held_against_three_of_its_standard_errors(side: int, error: float, sign: int) -> None:
    before, after = side * 0.10, side * 0.14
    assert clear_sign(before, after, error) == side * sign
    if np.isfinite(error):
        assert least_level(before, after, error) == pytest.approx(0.24 - CLEAR * error)


def test_a_gap_that_turned_round_grew_if_it_is_clearly_larger_on_the_other_side() -> None:
    assert clear_sign(-0.1, 0.3, 0.02) == 1


@pytest.mark.parametrize("error", [0.05, 0.08, 0.09, 0.5, np.nan])
def test_the_analysis_and_the_gate_agree(error: float) -> None:
    import pandas as pd

    rows = pd.DataFrame([row(sum_se=error, abs_change=0.05)])  # from 0.10 to 0.15
    named = decide(rows, Settings())["verdict"].iloc[0] == "amplified"
    assert named == (losses_of(rows).direction[0] != 0) == (3 * error < 0.25)


@pytest.mark.parametrize("error", [0.05, 0.09, np.nan])
def test_the_report_and_the_gate_show_the_same_interval_of_a_gap(error: float) -> None:
    import pandas as pd

    rows = pd.DataFrame([row(sum_se=error, abs_change=0.05, unit="points", low=0.02, high=0.08)])
    shown = movement(rows.to_dict("records")[0])
    (low,), (high,) = losses_of(rows).interval(
        lambda effects, confidence: (effects["low"], effects["high"]), np.ones(1)
    )
    assert (shown.low, shown.high) == (low, high) == ((0.02, 0.08) if 3 * error < 0.25 else (-0.08, 0.08))
