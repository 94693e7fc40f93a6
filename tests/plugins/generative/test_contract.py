"""The sources, the probe and a benchmark of matching keep to the contracts that authors elsewhere are given."""

import numpy as np
import pytest

from qbench.probes.pairs.scores import PairScores
from qbench.testing import BenchmarkContract, ModelSourceContract, ProbeContract


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


class TestCocoMatching(BenchmarkContract):
    @pytest.fixture(params=["coco-matching"])
    def benchmark(self, request):
        return {"name": request.param, "dataset": "demo-coco", "options": {"candidates": 4}}

    @pytest.fixture
    def answered(self, task):
        def match(items):
            pairs = task.pairs(items)
            found = np.random.default_rng(0).normal(size=pairs.candidates.shape).astype(np.float32)
            return task.match(PairScores(pairs, items.table["image_index"].to_numpy(), found), items)

        return match

    @pytest.fixture
    def asked_of(self, tiny):
        return {"models": [matching(tiny)], "quantizers": ["fp32", "bf16"], "baseline": "fp32"}
