"""The probes that come with qbench keep to the contract that authors elsewhere are given."""

import pytest

from qbench.plugins.registry import discover
from qbench.testing import ProbeContract
from tests.unit.probes.choosing import add_to, asked_of


class TestProbe(ProbeContract):
    @pytest.fixture(params=["embedding"])
    def probe(self, request):
        return request.param


class TestChoices(ProbeContract):
    @pytest.fixture(params=["choices"])
    def probe(self, request):
        return request.param

    @pytest.fixture
    def registry(self):
        return add_to(discover())

    @pytest.fixture
    def asked_of(self, tmp_path):
        return asked_of(tmp_path / "images")
