"""Building `Metrics` number by number."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qbench.metrics.interface import INDEX, Metrics
from qbench.metrics.weights import Floats


class MetricsBuilder:
    """Collects named numbers, in the order in which they are added.

    Examples
    --------
    >>> numbers = MetricsBuilder()
    >>> numbers.add("accuracy", np.array([0.5]), 8)
    >>> numbers.add("accuracy", np.array([0.25]), 4, attribute="age", group="older")
    >>> numbers.build().frame()
         metric attribute  group class  value  n
    0  accuracy                          0.50  8
    1  accuracy       age  older         0.25  4
    """

    def __init__(self) -> None:
        self._index: list[tuple[str, str, str, str]] = []
        self._values: list[Floats] = []
        self._n: list[int] = []

    def add(
        self, metric: str, values: Floats, n: int, *, attribute: str = "", group: str = "", class_: str = ""
    ) -> None:
        """Add a number.

        Parameters
        ----------
        metric : str
            Its name.
        values : numpy.ndarray
            ``(b,)``, one value per set of weights; NaN where it is undetermined.
        n : int
            Number of items (or classes, or queries) behind it, unweighted.
        attribute, group, class_ : str
            What the number is about; an empty text means all of them.
        """
        self._index.append((metric, attribute, group, class_))
        self._values.append(values)
        self._n.append(int(n))

    def build(self) -> Metrics:
        """Return all numbers as `Metrics`.

        Raises
        ------
        ValueError
            Two numbers have the same name.
        """
        index = pd.DataFrame(self._index, columns=list(INDEX), dtype="str")
        twice = index.duplicated()
        if twice.any():
            raise ValueError(f"two numbers have the name {tuple(index[twice].iloc[0])}")
        values = np.stack(self._values, axis=1).astype(np.float64)
        return Metrics(index=index, values=values, n=np.array(self._n, dtype=np.int64))
