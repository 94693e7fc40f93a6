"""A comparison that a spec declares decides no cell: it is judged, shown and verified, and refused before a run."""

import json
from dataclasses import replace

import pytest

from qbench.errors import InputError
from qbench.execution.plan import make_plan
from qbench.execution.run import execute
from qbench.plugins.registry import Entry
from qbench.report.html import page
from qbench.results import load, recompute
from qbench.results.verify import verify
from tests.unit.execution.conftest import PLUGIN

BOTH = {"models": ["toy/one", "toy/two"]}
COMPARISON = {
    "label": "distilled",
    "baseline": {"model": "toy/one", "quantizer": "base"},
    "variant": {"model": "toy/two", "quantizer": "half"},
}


@pytest.fixture
def measured(registry, monkeypatch):
    """The benchmark of the run is installed, so that its numbers can be computed again."""
    recompute._measure.cache_clear()
    monkeypatch.setattr("qbench.results.recompute.installed", lambda: registry)
    yield
    recompute._measure.cache_clear()


@pytest.mark.usefixtures("measured")
def test_it_is_added_to_a_run_without_computing_a_cell_and_the_run_is_still_verified(
    spec, registry, cache, tmp_path, log
):
    folder = tmp_path / "run"
    execute(spec(**BOTH), folder, registry=registry, cache=cache)
    before = {path: path.read_bytes() for path in folder.rglob("cell.json")}
    drift = json.loads((folder / "run.json").read_text())["drift"]
    log.clear()
    execute(spec(**BOTH, comparisons=[COMPARISON]), folder, registry=registry, cache=cache)
    assert log == []
    assert {path: path.read_bytes() for path in folder.rglob("cell.json")} == before
    assert json.loads((folder / "run.json").read_text())["drift"] == drift
    results = load(folder)
    assert set(results.effects["quantizer"]) == {"half", "distilled"}
    assert set(results.drift["quantizer"]) == {"half"}
    assert "the embeddings of two checkpoints have no axes in common" in page(results)
    found = verify(folder)
    assert (found.exit_code, found.findings) == (0, ())


def test_models_that_are_asked_through_different_probes_are_refused_before_anything_runs(spec, registry):
    entries = registry.entries
    toy = next(entry.record for entry in entries["qbench_models"])
    entries["qbench_models"].append(Entry(plugin=PLUGIN, record=replace(toy, name="chooser", probes=("choices",))))
    toys = entries["qbench_benchmarks"].pop().record
    both = replace(toys, probes=("embedding", "choices"))
    entries["qbench_benchmarks"].append(Entry(plugin=PLUGIN, record=both))
    wanted = {"models": ["toy/one", "chooser/two"], "quantizers": ["base"]}
    student = {"model": "chooser/two", "quantizer": "base"}
    with pytest.raises(InputError, match="asked about toys through different probes, 'choices' and 'embedding'"):
        make_plan(spec(**wanted, comparisons=[COMPARISON | {"variant": student}]), registry)
    assert make_plan(spec(**wanted), registry).probes
