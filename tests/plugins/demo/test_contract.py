"""The demo's models keep to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import ModelSourceContract


class TestDemo(ModelSourceContract):
    @pytest.fixture(params=["demo"])
    def model(self, request):
        return f"{request.param}/balanced"


class TestDemoGenerative(ModelSourceContract):
    @pytest.fixture(params=["demo-generative"])
    def model(self, request):
        return f"{request.param}/balanced"

    @pytest.fixture
    def benchmark(self):
        return {"name": "facet", "dataset": "demo-facet", "options": {"classes": "present"}}
