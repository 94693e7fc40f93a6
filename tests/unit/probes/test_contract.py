"""The probe that comes with qbench keeps to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import ProbeContract


class TestProbe(ProbeContract):
    @pytest.fixture(params=["embedding"])
    def probe(self, request):
        return request.param
