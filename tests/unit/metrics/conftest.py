"""A similarity that is given as a matrix."""

import numpy as np
import pytest


class Matrix:
    """The `Similarity` of a matrix; remembers the largest block that was asked for."""

    def __init__(self, values):
        self.values = np.asarray(values, dtype=np.float64)
        self.largest = 0

    @property
    def shape(self):
        return self.values.shape

    def items(self, start, stop):
        return self._block(self.values[start:stop])

    def targets(self, start, stop):
        return self._block(self.values[:, start:stop].T)

    def _block(self, block):
        self.largest = max(self.largest, block.nbytes)
        return block


@pytest.fixture
def matrix():
    """``(values) -> Similarity``."""
    return Matrix
