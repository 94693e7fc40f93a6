"""The four benchmarks keep to the contract that authors elsewhere are given, on the demo's drawings."""

import pytest

from qbench.testing import BenchmarkContract

OPTIONS = {"imagenet": {"classes": "present", "templates": "single"}, "facet": {"classes": "present", "min_group": 3}}


class TestBuiltIns(BenchmarkContract):
    @pytest.fixture(params=["imagenet", "coco", "facet", "fairface"])
    def benchmark(self, request):
        name = request.param
        return {"name": name, "dataset": f"demo-{name}", "options": OPTIONS.get(name, {})}
