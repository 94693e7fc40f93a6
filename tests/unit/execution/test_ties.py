"""Classes that the baseline cannot tell apart are refused, those that only a quantizer loses are recorded."""

import json

import numpy as np
import pytest

from qbench.api import Prompts, Quantizer, Variant
from qbench.execution.run import execute
from qbench.plugins.registry import Entry
from tests.unit.execution.conftest import PLUGIN, Encoder, Task, coverage

CLASSES = ("b", "d", "g")


class ThreeClasses(Task):
    """Three classes; ``texts`` are what the model gets for them."""

    texts = ("bright", "dark", "grey")
    known_ties = ()

    def prompts(self, items):
        return Prompts(
            texts=self.texts, targets=CLASSES, target_of=np.arange(3), pool=False, known_ties=self.known_ties
        )

    def predict(self, similarity, items):
        outcome = super().predict(similarity, items)
        outcome.facts["classes"] = list(CLASSES)
        return outcome


class Three(Encoder):
    """Knows three texts, or (``lost``) mistakes grey for dark."""

    def __init__(self, log, lost=False):
        super().__init__(log)
        self.lost = lost

    def encode_texts(self, texts):
        vectors = {"bright": (1, 0), "dark": (0, 1), "grey": (0, 2) if self.lost else (1, 1)}
        return np.array([vectors[text] for text in texts], dtype=np.float32)


@pytest.fixture
def run(spec, registry, cache, tmp_path, log, monkeypatch):
    """Execute with other texts or ties; the records of the two cells."""
    for name, lost in (("seeing", False), ("blurred", True)):
        build = lambda c, x, o, lost=lost: Variant(encoder=Three(log, lost), coverage=coverage(lost), dtype="float32")  # noqa: E731
        record = Quantizer(name=name, summary="", bits=8, build=build)
        registry.entries["qbench_quantizers"].append(Entry(plugin=PLUGIN, record=record))
    (toys,) = registry.entries["qbench_benchmarks"]
    object.__setattr__(toys.record, "load", ThreeClasses)

    def go(**changes):
        for name, value in changes.items():
            monkeypatch.setattr(ThreeClasses, name, value)
        wanted = spec(baseline="seeing", quantizers=["seeing", "blurred"])
        execute(wanted, tmp_path / "run", registry=registry, cache=cache)
        names = json.loads((tmp_path / "run" / "run.json").read_text())["cells"]
        return [json.loads((tmp_path / "run" / name / "cell.json").read_text()) for name in names]

    return go


def test_a_tie_that_only_a_quantizer_causes_is_a_result(run):
    seeing, blurred = run()
    assert "tied_classes" not in seeing["facts"]
    assert blurred["facts"]["tied_classes"] == [["d", "g"]]


def test_classes_that_the_baseline_cannot_tell_apart_are_refused(run):
    seeing, _ = run(texts=("bright", "dark", "dark"))
    assert seeing["status"] == "failed"
    assert "the baseline cannot tell 'd' and 'g' apart" in seeing["error"]["what"]


def test_a_benchmark_may_know_of_ties(run):
    seeing, blurred = run(texts=("bright", "dark", "dark"), known_ties=(("g", "d"),))
    assert [seeing["status"], blurred["status"]] == ["done", "done"]
    assert "tied_classes" not in blurred["facts"]
