"""A plan is executed cell by cell: each thing computed once, failures kept to their cells, nothing lost."""

import json
import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from qbench.errors import InputError, MachineError
from qbench.execution.run import execute
from qbench.results import load
from qbench.spec.read import read_spec


@pytest.fixture
def run(spec, registry, cache, tmp_path):
    """Execute a spec into one folder; what each cell became."""

    def go(**changes):
        summary = execute(spec(**changes), tmp_path / "run", registry=registry, cache=cache)
        names = json.loads((tmp_path / "run" / "run.json").read_text())["cells"]
        return summary, [json.loads((tmp_path / "run" / n / "cell.json").read_text()) for n in names]

    return go


def test_each_thing_is_embedded_once_in_the_planned_batches(run, log):
    summary, cells = run(quantizers=["base"])
    assert (summary.done, summary.computed, summary.failed) == (1, 1, 0)
    assert log == [("build", 1.0), ("images", 5), ("images", 5), ("images", 2), ("texts", 2), ("close",)]
    assert cells[0]["batch"] == {"size": 5, "order": "dataset", "other_orders": 0}


def test_the_second_run_builds_nothing(run, log):
    run()
    log.clear()
    summary, _ = run()
    assert (summary.done, summary.computed) == (2, 0)
    assert log == []


def test_another_limit_or_batch_is_another_cell_and_the_old_ones_are_kept(run):
    first = {c["key"] for c in run()[1]}
    summary, cells = run(limit=6)
    assert summary.kept == 2
    assert cells[0]["data_info"]["items"] == 6
    others = {c["key"] for c in cells} | {c["key"] for c in run(batch_size=3)[1]}
    assert len(first | others) == 6


def test_a_variant_that_cannot_be_built_fails_its_cells_only_and_is_tried_once(run, log):
    summary, cells = run(
        quantizers=["bad", "base"],
        benchmarks=[{"name": "toys", "dataset": "drawn"}, {"name": "toys", "dataset": "drawn", "label": "again"}],
    )
    assert (summary.done, summary.failed) == (2, 2)
    assert [c["status"] for c in cells] == ["failed", "failed", "done", "done"]
    assert (cells[0]["error"]["stage"], cells[0]["error"]["what"]) == ("build", "the method does not know this model")
    assert log.count(("build", 0)) == 1


def test_a_failed_cell_is_tried_again(run, log):
    run(quantizers=["bad", "base"])
    log.clear()
    assert run(quantizers=["bad", "base"])[0].failed == 1
    assert log == [("build", 0)]


def test_a_model_that_is_missing_fails_its_cells_and_the_others_go_on(run):
    summary, cells = run(models=["toy/missing", "toy/one"])
    assert (summary.done, summary.failed) == (2, 2)
    assert cells[0]["error"]["stage"] == "model"
    assert cells[0]["error"]["where"] == "missing"


@pytest.mark.parametrize("stage", ["data", "predict"])
def test_a_defect_of_a_benchmark_fails_its_cells_with_a_traceback_in_the_log(run, tmp_path, stage):
    broken = {"name": "toys", "dataset": "drawn", "label": "broken", "options": {"broken": stage}}
    summary, cells = run(benchmarks=[broken, {"name": "toys", "dataset": "drawn"}])
    assert (summary.done, summary.failed) == (2, 2)
    assert {c["error"]["what"] for c in cells if c["status"] == "failed"} == {"a defect of the benchmark"}
    assert "ZeroDivisionError" in (tmp_path / "run" / "run.log").read_text()


def test_embeddings_survive_a_failure_to_score(run, log):
    broken = {"name": "toys", "dataset": "drawn", "options": {"broken": "predict"}}
    run(benchmarks=[broken], quantizers=["base"])
    log.clear()
    assert run(quantizers=["base"])[0].done == 1
    assert log == []


def test_the_recorded_spec_with_its_policy_and_waivers_can_be_run_again(run, spec, tmp_path):
    """A run folder names no folder of the user's, so `base` alone is not recorded."""
    rule = {"id": "r", "role": "accuracy", "scope": "overall", "severity": "warn"}
    waiver = {"rule": "r", "until": date(2027, 1, 1), "why": "known"}
    policy = {"version": 1, "margins": {"share": 0.02}, "rule": [rule], "waiver": [waiver]}
    run(policy=policy, analysis={"seed": 5, "allow": ["prompts"]})
    again = read_spec(load(tmp_path / "run").spec)
    assert again == spec(policy=policy, analysis={"seed": 5, "allow": ["prompts"]}, base=again.base)
    assert again.policy.waiver[0].until == date(2027, 1, 1)


def test_nothing_to_run_is_the_users_error(run):
    with pytest.raises(InputError, match=r"nothing can be run:\nmissing: the checkpoint is missing"):
        run(models=["toy/missing"])


def test_a_dataset_is_written_once_and_its_note_is_kept(run, cache, tmp_path):
    run()
    folders = [path for path in (cache.root / "datasets").glob("fake-drawn-1-*") if path.is_dir()]
    assert len(folders) == 1
    assert json.loads((tmp_path / "run" / "run.json").read_text())["notes"] == ["These are squares."]


def test_a_dataset_that_does_not_fit_on_the_disk_is_not_begun(run, registry, cache):
    (entry,) = registry.entries["qbench_datasets"]
    registry.entries["qbench_datasets"] = [replace(entry, record=replace(entry.record, size=10**18))]
    with pytest.raises(MachineError, match="are needed on this disk"):
        run()
    assert not [path for path in (cache.root / "datasets").rglob("*") if path.is_file()]


def test_a_dataset_that_was_damaged_is_written_again_and_that_is_said(run, cache, tmp_path):
    run(quantizers=["base"])
    image = next((cache.root / "datasets").glob("*/d00.png"))
    whole = image.read_bytes()
    image.write_bytes(image.with_name("d02.png").read_bytes())
    assert run(quantizers=["base"])[0].computed == 0
    assert image.read_bytes() == whole
    assert "d00.png is damaged or missing; the folder is made again" in (tmp_path / "run" / "run.log").read_text()


def test_a_run_folder_holds_no_path_of_this_machine(run, tmp_path, cache):
    run()
    for file in (tmp_path / "run").rglob("*.json"):
        assert str(tmp_path) not in file.read_text()


def test_the_key_follows_what_decides_a_result(run, cache, tmp_path, registry):
    keys = [run(quantizers=["base"])[1][0]["key"]]
    keys.append(run(quantizers=["base"], models=["toy/two"])[1][0]["key"])
    own = shutil.copytree(next((cache.root / "datasets").glob("*/d00.png")).parent, tmp_path / "own")
    (own / "d00.png").write_bytes((own / "d02.png").read_bytes())
    keys.append(run(quantizers=["base"], benchmarks=[{"name": "toys", "root": str(own)}])[1][0]["key"])
    entry = registry.entries["qbench_benchmarks"][0]
    registry.entries["qbench_benchmarks"][0] = replace(entry, record=replace(entry.record, protocol="2"))
    keys.append(run(quantizers=["base"])[1][0]["key"])
    plugin = replace(entry.plugin, version="2")
    registry.entries["qbench_quantizers"] = [replace(e, plugin=plugin) for e in registry.entries["qbench_quantizers"]]
    keys.append(run(quantizers=["base"])[1][0]["key"])
    assert len(set(keys)) == 5


def test_worker_count_changes_no_key_and_no_result(run):
    first = run(workers=1)[1]
    summary, second = run(workers=5)
    assert summary.computed == 0
    assert [c["key"] for c in first] == [c["key"] for c in second]


def test_missing_images_are_refused_or_counted(spec, registry, cache, tmp_path):
    from qbench.api import FolderSource, ImageLocation, Items

    task = registry.entries["qbench_benchmarks"][0].record.load
    original = task.data

    def with_one_more(self, root):
        items = original(self, root)
        table = items.table.copy()
        table.loc[len(table)] = ["b99.png", len(table), "b"]
        return Items(table=table, images=(*items.images, ImageLocation(FolderSource(root), "b99.png")), root=root)

    task.data = with_one_more
    try:
        with pytest.raises(InputError, match="the images of 1 of 13 items are missing"):
            execute(spec(), tmp_path / "run", registry=registry, cache=cache)
        allowed = {"name": "toys", "dataset": "drawn", "allow_missing": True}
        execute(spec(benchmarks=[allowed]), tmp_path / "run", registry=registry, cache=cache)
    finally:
        task.data = original
    cell = json.loads(next((tmp_path / "run").glob("cells/*/*/*/cell.json")).read_text())
    assert cell["data_info"]["missing"]["count"] == 1


def test_a_failed_cell_names_the_file_and_not_the_users_folders(spec, registry, cache, tmp_path):
    root = tmp_path / "private" / "toys"
    root.mkdir(parents=True)
    (root / "b.png").write_bytes(b"no image")
    broken = {"name": "toys", "root": str(root), "label": "broken"}
    benchmarks = [broken, {"name": "toys", "dataset": "drawn"}]
    execute(spec(benchmarks=benchmarks), tmp_path / "run", registry=registry, cache=cache)
    failed = json.loads(next((tmp_path / "run").glob("cells/broken/*/*/cell.json")).read_text())
    assert failed["error"]["where"] == "toys/b.png"


def test_noise_embeds_every_cell_in_other_orders_and_keeps_the_numbers(run, tmp_path, log):
    run(quantizers=["base"])
    log.clear()
    summary, cells = run(quantizers=["base"], noise=2)
    assert summary.computed == 1
    assert cells[0]["batch"]["other_orders"] == 2
    # The dataset's own order is in the cache: two other orders of 12 images and 2 texts are embedded.
    assert sum(entry[1] for entry in log if entry[0] == "images") == 24
    assert sum(entry[1] for entry in log if entry[0] == "texts") == 4
    folder = next(p for p in (tmp_path / "run").glob("cells/*/*/*") if (p / "noise.parquet").exists())
    noise = pd.read_parquet(folder / "noise.parquet")
    assert noise["order"].tolist() == ["shuffle-1", "shuffle-2"]
    assert noise["value"].tolist() == pd.read_parquet(folder / "metrics.parquet")["value"].tolist() * 2


def test_speed_is_measured_once_for_each_variant(run, tmp_path, log):
    run(speed=2)
    files = sorted((tmp_path / "run").glob("speed/*/*.json"))
    assert len(files) == 2
    found = json.loads(files[0].read_text())
    assert found["rates"]["images"]["low"] <= found["rates"]["images"]["per_second"] <= found["rates"]["images"]["high"]
    assert (found["repeats"], found["batch_size"]) == (2, 5)
    assert found["load_seconds"] >= 0
    assert log.count(("images", 5)) == 2 * 2 + 2 * 3  # two full batches to embed; a warm-up and two repeats to time
    log.clear()
    run(speed=2)
    assert log == []


def test_a_variant_that_cannot_be_built_has_no_speed_and_stops_nobody(run, tmp_path):
    summary, _ = run(quantizers=["bad", "base"], speed=1)
    assert summary.failed == 1
    assert json.loads((tmp_path / "run" / "run.json").read_text())["speed"] == [
        p.relative_to(tmp_path / "run").as_posix() for p in (tmp_path / "run").glob("speed/*/base-*.json")
    ]


def test_the_function_run_is_still_there_after_the_runner_was_imported():
    import qbench

    assert callable(qbench.run)


def drift_of(folder):
    """``run.json``'s list of drift files, and their tables by quantizer."""
    names = json.loads((folder / "run.json").read_text())["drift"]
    return {name.split("/")[3].rsplit("-", 1)[0]: pd.read_parquet(folder / name) for name in names}


@pytest.mark.parametrize("quantizers", [["base", "half"], ["half", "base"]])
def test_the_drift_of_a_variant_is_measured_wherever_the_baseline_stands(run, tmp_path, quantizers):
    run(quantizers=quantizers)
    found = drift_of(tmp_path / "run")
    assert list(found) == ["half"]
    bright = np.array([0.2, 0.8])  # of a dark and a bright image, about; the fake has (x, 1 - x) and (x, 0.9 - x)
    base, half = np.stack([bright, 1 - bright]), np.stack([bright, 0.9 - bright])
    expected = (base * half).sum(0) / np.linalg.norm(base, axis=0) / np.linalg.norm(half, axis=0)
    cosine = found["half"].groupby(found["half"]["item"].str[0])["cosine"].mean()
    np.testing.assert_allclose(cosine[["d", "b"]], expected, atol=0.01)


def test_drift_is_made_up_for_when_a_baseline_that_failed_comes_good(run, tmp_path, registry, log):
    good = registry.entries["qbench_quantizers"][0]
    broken = registry.entries["qbench_quantizers"][2]
    registry.entries["qbench_quantizers"][0] = replace(good, record=replace(good.record, build=broken.record.build))
    assert run()[0].failed == 1
    assert drift_of(tmp_path / "run") == {}
    registry.entries["qbench_quantizers"][0] = good
    log.clear()
    assert run()[0].computed == 1
    assert list(drift_of(tmp_path / "run")) == ["half"]
    assert log.count(("build", 0.9)) == 0


def test_another_baseline_has_a_drift_of_its_own(run, tmp_path):
    run()
    run(baseline="half")
    assert list(drift_of(tmp_path / "run")) == ["base"]
    run()
    assert list(drift_of(tmp_path / "run")) == ["half"]
