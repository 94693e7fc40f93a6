"""The five benchmarks, declared datasets and the report section pass the published contracts, on drawings."""

from pathlib import Path

import pytest

from qbench.testing import BenchmarkContract, ReportSectionContract

EXAMPLE = Path(__file__).parents[3] / "examples" / "qbench-example-dataset" / "qbench_example_dataset" / "data"
OPTIONS = {"imagenet": {"classes": "present", "templates": "single"}, "facet": {"classes": "present", "min_group": 3}}


class TestBuiltIns(BenchmarkContract):
    @pytest.fixture(params=["imagenet", "coco", "facet", "fairface", "fairface-attributes"])
    def benchmark(self, request):
        name = request.param
        return {"name": name, "dataset": f"demo-{name.removesuffix('-attributes')}", "options": OPTIONS.get(name, {})}


class TestDeclared(BenchmarkContract):
    @pytest.fixture(params=["declared"])
    def name(self, request):
        return request.param

    @pytest.fixture(params=["dataset.toml", "rankings.toml"])
    def benchmark(self, name, request):
        return {"name": name, "root": str(EXAMPLE / request.param)}


class TestSection(ReportSectionContract):
    @pytest.fixture(params=["cuts"])
    def section(self, request):
        return request.param
