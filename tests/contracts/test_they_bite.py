"""The contracts bite: each deliberately broken plugin is caught by the check that is meant for it, in words."""

import functools
import importlib.util
import inspect
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qbench.api import Outcome
from qbench.api.statistics import MetricKey, Number
from qbench.plugins.registry import GROUP, discover
from qbench.testing import (
    BenchmarkContract,
    ExecutorContract,
    ImageSourceContract,
    ModelSourceContract,
    ProbeContract,
    QuantizerContract,
    StatisticContract,
    tiny,
)
from qbench.testing.statistics import Simulated

HERE = Path(__file__).parent
CAUGHT_BY = (AssertionError, pytest.fail.Exception)


def load_broken():
    """The module of broken plugins, importable by name here and in processes that are started."""
    if str(HERE) not in sys.path:
        sys.path.append(str(HERE))
    spec = importlib.util.find_spec("broken")
    assert spec is not None
    return importlib.import_module("broken")


broken = load_broken()


def biting(contract, check: str, said: str, broken_record: type) -> type:
    """The contract with one check only, which has to fail and to say why."""
    original = getattr(contract, check)

    @functools.wraps(original)
    def has_to_fail(self, **fixtures):
        with pytest.raises(CAUGHT_BY if check != CRASH else KeyError, match=said or None):
            original(self, **fixtures)

    has_to_fail.pytestmark = []
    if "dtype" in inspect.signature(original).parameters:
        has_to_fail = pytest.mark.parametrize("dtype", ["float16"])(has_to_fail)
    if "case" in inspect.signature(original).parameters:
        has_to_fail = pytest.mark.parametrize("case", ["no change"])(has_to_fail)
    others = {name: None for name in dir(contract) if name.startswith("test_")}
    return type("Biting", (broken_record, contract), {**others, check: has_to_fail})


CRASH = "test_what_is_not_there_is_said_in_words"


@functools.cache
def with_broken():
    return discover([*entry_points(group=GROUP), EntryPoint("broken", "broken", GROUP)])


class Broken:
    """Found as if it were installed."""

    record: str

    @pytest.fixture
    def registry(self):
        return with_broken()


class BrokenQuantizer(Broken):
    @pytest.fixture
    def quantizer(self):
        return self.record


class BrokenBenchmark(Broken):
    @pytest.fixture
    def benchmark(self, tiny_images):
        return {"name": self.record, "root": str(tiny_images)}


class BrokenSource(Broken):
    @pytest.fixture
    def model(self, tiny_clip):
        return {"source": self.record, "checkpoint": "tiny", "options": {"path": str(tiny_clip)}}


class BrokenStatistic(Broken):
    replicates = 100

    @pytest.fixture
    def statistic(self):
        return self.record

    @pytest.fixture
    def simulate(self):
        return simulated_scores

    @pytest.fixture
    def signed(self):
        return True


def simulated_scores(rng, n=200):
    """Scores of the same items that fall by a tenth."""
    score = rng.normal(size=n)
    items = pd.DataFrame({"item": np.arange(n).astype(str), "image": np.arange(n).astype(str), "label": ""})
    before, after = (Outcome(items=items.assign(score=score + x)) for x in (0.0, -0.1 + 0.3 * rng.normal(size=n)))
    return Simulated(before=before, after=after, number=Number(metric=MetricKey("mean")), truth=-0.1)


class BrokenProbe(Broken):
    @pytest.fixture
    def probe(self):
        return self.record

    @pytest.fixture
    def asked_of(self, tiny_images):
        """Who is asked how bright an image is."""
        return {
            "models": [f"meter-{self.record}/m"],
            "quantizers": ["exact", "coarse"],
            "benchmarks": [{"name": f"bright-or-dark-{self.record}", "root": str(tiny_images)}],
        }


class BrokenExecutor(Broken):
    @pytest.fixture
    def executor(self):
        return self.record


class BrokenImages:
    record: str

    @pytest.fixture
    def source(self, tmp_path):
        return dict(broken.images.SOURCES)[self.record](tiny.write_images(tmp_path / "images", each=1))

    @pytest.fixture
    def keys(self):
        return [f"val/{synset}/0.JPEG" for synset in tiny.SYNSETS]

    @pytest.fixture
    def absent(self):
        return "val/9.JPEG"


class TestBenchmarkOfAnotherProbe(Broken, BenchmarkContract):
    """The contract of a benchmark is for every probe."""

    @pytest.fixture
    def benchmark(self, tiny_images):
        return {"name": f"bright-or-dark-{broken.probes.NAME}", "root": str(tiny_images)}

    @pytest.fixture
    def answered(self, task):
        return lambda items: task.judge(np.random.default_rng(0).uniform(size=len(items)) > 0.5, items)

    @pytest.fixture
    def asked_of(self):
        return {"models": [f"meter-{broken.probes.NAME}/m"], "quantizers": ["exact", "coarse"], "baseline": "exact"}


CONTRACTS = (
    ([x.name for x in broken.quantizers.QUANTIZERS], QuantizerContract, BrokenQuantizer),
    ([x.name for x in broken.benchmarks.BENCHMARKS], BenchmarkContract, BrokenBenchmark),
    ([x.name for x in broken.model_sources.SOURCES], ModelSourceContract, BrokenSource),
    ([x.name for x in broken.statistics.STATISTICS], StatisticContract, BrokenStatistic),
    ([x.name for x in broken.probes.PROBES], ProbeContract, BrokenProbe),
    ([x.name for x in broken.executors.EXECUTORS], ExecutorContract, BrokenExecutor),
    ([name for name, _ in broken.images.SOURCES], ImageSourceContract, BrokenImages),
)

for _names, _contract, _broken in CONTRACTS:
    for _name in _names:
        _check, _said = broken.CAUGHT[_name]
        _of = type("Of", (_broken,), {"record": _name})
        # The good ones keep to the whole contract: what catches the others is no check that fails on everything.
        _class = biting(_contract, _check, _said, _of) if _check else type("Good", (_of, _contract), {})
        globals()[f"Test_{_name.replace('-', '_').replace(' ', '_')}"] = _class


def test_every_check_that_can_fail_by_itself_is_shown_to_bite():
    """Whoever adds a check adds the plugin that it is there for."""
    shown = {check for check, _ in broken.CAUGHT.values()}
    shown |= {
        "test_importing_the_plugin_is_light",  # tests/integration/test_broken_plugins.py: a distribution of its own
        "test_an_unknown_option_is_refused",  # qbench's own doing, whatever the plugin is
        "test_it_is_closed",
        "test_options_are_plain_values_in_a_record",  # as the round trip of all options
        "test_what_is_known_follows_from_the_stored_table",  # tests/contracts/test_statistics.py
        "test_embeddings_survive_without_pickle",  # float32 arrays do: those that are none are caught before
    }
    for _, contract, _ in CONTRACTS:
        checks = {name for name in dir(contract) if name.startswith("test_")}
        assert checks <= shown, checks - shown
