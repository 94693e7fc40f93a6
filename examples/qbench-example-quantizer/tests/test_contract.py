"""What every quantizer has to keep to, and what this one does."""

import numpy as np
import pytest

from qbench.testing import QuantizerContract


class TestRoundToNearest(QuantizerContract):
    @pytest.fixture(scope="class", params=["rtn", {"name": "rtn", "options": {"bits": 8, "group": 16}}], ids=str)
    @classmethod
    def quantizer(cls, request):
        return request.param

    def test_a_group_has_the_levels_of_its_bits(self, build, options):
        variant = build()
        for layer in variant.coverage.layers:
            weight = variant.encoder.module.get_submodule(layer.name).weight.detach().numpy()
            levels = max(len(np.unique(group)) for group in weight.reshape(-1, options.group))
            assert levels <= 2**options.bits - 1
            assert layer.bits == options.bits + 32 / options.group
