"""The example in the docstring of each hook is a whole plugin: it is found, light, and keeps to its contract."""

import importlib
import inspect
import sys
import textwrap
from importlib.metadata import EntryPoint, entry_points

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.api import Outcome
from qbench.api.statistics import MetricKey, Number
from qbench.plugins import hookspecs
from qbench.plugins.registry import GROUP, HOOKS, discover
from qbench.testing import (
    BenchmarkContract,
    ModelSourceContract,
    QuantizerContract,
    ReportSectionContract,
    StatisticContract,
)
from qbench.testing.statistics import Simulated


def example(hook: str) -> str:
    """The code in a hook's docstring."""
    text = inspect.getdoc(getattr(hookspecs, hook))
    indented = text.partition("::\n\n")[2]
    lines = indented.splitlines(keepends=True)
    end = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("    ")), len(lines))
    return textwrap.dedent("".join(lines[:end]))


@pytest.fixture(scope="session")
def points(tmp_path_factory):
    """The entry point of each example, as if it were installed."""
    folder = tmp_path_factory.mktemp("hook-examples")
    sys.path.append(str(folder))
    for hook in HOOKS:
        (folder / f"example_of_{hook}.py").write_text(example(hook), encoding="utf-8")
    importlib.invalidate_caches()
    yield {hook: EntryPoint(f"example-of-{hook}", f"example_of_{hook}", GROUP) for hook in HOOKS}
    sys.path.remove(str(folder))


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_has_an_example_that_is_found(hook, points):
    registry = discover([points[hook]])
    assert registry.failures == [], f"write a complete plugin into the docstring of {hook}"
    assert len(registry.entries[hook]) == 1, f"the example of {hook} yields no record"


class Examples:
    @pytest.fixture
    def registry(self, points):
        return discover([*entry_points(group=GROUP), *points.values()])


class TestModel(Examples, ModelSourceContract):
    """A model that is not torch: it has no module, and can be loaded in float32 only."""

    @pytest.fixture
    def model(self):
        return "colour/mean"


class TestQuantizer(Examples, QuantizerContract):
    @pytest.fixture
    def quantizer(self):
        return {"name": "rounded", "options": {"bits": 3}}


class TestBenchmark(Examples, BenchmarkContract):
    @pytest.fixture
    def benchmark(self, tmp_path):
        """Grey squares, six of each class."""
        rng = np.random.default_rng(0)
        for i in range(12):
            folder = tmp_path / ("dark", "light")[i % 2]
            folder.mkdir(exist_ok=True)
            pixels = rng.integers(128 * (i % 2), 128 * (i % 2) + 100, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
        return {"name": "folders", "root": str(tmp_path)}


class TestDataset(Examples, BenchmarkContract):
    @pytest.fixture
    def benchmark(self):
        return {"name": "fairface", "dataset": "grey"}


class TestSection(Examples, ReportSectionContract):
    @pytest.fixture
    def section(self):
        return "largest-changes"


class TestStatistic(Examples, StatisticContract):
    replicates = 100

    @pytest.fixture
    def statistic(self):
        return "mean-confidence"

    @pytest.fixture
    def simulate(self):
        def draw(rng, n=200):
            items = pd.DataFrame({"item": np.arange(n).astype(str), "image": np.arange(n).astype(str), "label": ""})
            before = rng.uniform(0.4, 1.0, n)
            outcomes = [Outcome(items=items.assign(confidence=x)) for x in (before, before - rng.uniform(0.0, 0.2, n))]
            number = Number(metric=MetricKey("confidence"))
            return Simulated(before=outcomes[0], after=outcomes[1], number=number, truth=-0.1)

        return draw
