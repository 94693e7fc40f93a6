"""The sources and the probe of image-text matching keep to the contracts that authors elsewhere are given."""

import pytest

from qbench.testing import ModelSourceContract, ProbeContract


class TestGenerative(ModelSourceContract):
    @pytest.fixture(params=["generative"])
    def model(self, request, tiny):
        return {"source": request.param, "checkpoint": "tiny", "options": {"path": str(tiny("llava"))}}

    @pytest.fixture
    def benchmark(self, facet):
        return {"name": "facet", "root": str(facet), "options": {"classes": "present", "min_group": 1}}


def matching(tiny):
    return {"source": "matching", "checkpoint": "tiny", "options": {"path": str(tiny("matching"))}}


class TestMatching(ModelSourceContract):
    @pytest.fixture(params=["matching"])
    def model(self, request, tiny):
        return {**matching(tiny), "source": request.param}

    @pytest.fixture
    def benchmark(self, facet):
        return {"name": "facet", "root": str(facet), "options": {"classes": "present", "min_group": 1}}


class TestPairs(ProbeContract):
    @pytest.fixture(params=["pairs"])
    def probe(self, request):
        return request.param

    @pytest.fixture
    def asked_of(self, tiny, facet):
        benchmark = {"name": "facet", "root": str(facet), "options": {"classes": "present", "min_group": 1}}
        return {"models": [matching(tiny)], "quantizers": ["fp32", "bf16"], "benchmarks": [benchmark]}
