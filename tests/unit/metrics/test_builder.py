"""Collecting numbers."""

import numpy as np
import pytest

from qbench.metrics.builder import MetricsBuilder


def test_rows_keep_their_names_order_and_counts():
    numbers = MetricsBuilder()
    numbers.add("accuracy", np.array([0.5, 0.25]), 4)
    numbers.add("recall", np.array([1.0, np.nan]), 2, attribute="age", group="young", class_="doctor")
    found = numbers.build()
    assert found.index.to_numpy().tolist() == [["accuracy", "", "", ""], ["recall", "age", "young", "doctor"]]
    np.testing.assert_array_equal(found.values, [[0.5, 1.0], [0.25, np.nan]])
    assert found.n.tolist() == [4, 2]
    assert found.frame(0)["value"].tolist() == [0.5, 1.0]


def test_a_name_that_is_there_twice_is_refused():
    numbers = MetricsBuilder()
    numbers.add("accuracy", np.array([0.5]), 4)
    numbers.add("accuracy", np.array([0.6]), 4)
    with pytest.raises(ValueError, match="accuracy"):
        numbers.build()
