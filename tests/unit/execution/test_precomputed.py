"""Precomputed embeddings: what has to be embedded is listed, and what came back is looked up."""

import json
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest

from qbench.api import FILES, Coverage, FolderSource, ImageLocation, Layer, ModelError, Quantizer, Variant
from qbench.errors import DataError, InputError, MachineError
from qbench.execution import embedding_list
from qbench.execution.embedding_list import list_wanted
from qbench.execution.forecast import forecast
from qbench.execution.run import execute
from qbench.images.ids import image_id
from qbench.images.pixel_store import FOLDER
from qbench.plugins.registry import Entry


@dataclass(frozen=True)
class Options:
    path: str = field(default="", metadata=FILES)


class Looked:
    """Bright images begin with b; the text files say by how much."""

    def __init__(self, folder, log):
        self.folder, self.log = folder, log

    def find_images(self, benchmark, ids):
        self.log.append(("find", benchmark, list(ids)))
        return np.array([[1, 0] if x.startswith("b") else [0, 1] for x in ids], dtype=np.float32)

    def find_texts(self, benchmark, texts):
        return np.array([[1, 0] if t == "bright" else [0, 1] for t in texts], dtype=np.float32)

    def close(self):
        self.log.append(("close",))


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "home" / "phone"
    (folder / "toys").mkdir(parents=True)
    (folder / "toys" / "images").write_text("one")
    return folder


@pytest.fixture
def registry(registry, log):
    from pathlib import Path

    layer = Layer(name="all", tower="image", kind="declared", parameters=4, quantized=True, bits=8)
    coverage = Coverage(layers=(layer,), total_parameters=4, model_bytes=None, declared=True)

    def build(checkpoint, context, options):
        if not Path(options.path).is_dir():
            raise ModelError("there are no embeddings", where=options.path)
        encoder = Looked(Path(options.path), log)
        return Variant(
            encoder=encoder, coverage=coverage, dtype="float32", kind="control", numerics="declared: a phone"
        )

    record = Quantizer(
        name="phone",
        summary="",
        bits=0,
        build=build,
        options=Options,
        batch_invariant=None,
        provider="precomputed",
    )
    plugin = registry.entries["qbench_quantizers"][0].plugin
    registry.entries["qbench_quantizers"].append(Entry(plugin=plugin, record=record))
    return registry


@pytest.fixture
def run(spec, registry, cache, tmp_path):
    """Execute a spec with the phone's variant; what each cell became."""

    def go(path, out="run", **changes):
        phone = {"name": "phone", "options": {"path": str(path)}}
        wanted = spec(**{"quantizers": [phone], "baseline": f"phone (path={path.name})"} | changes)
        summary = execute(wanted, tmp_path / out, registry=registry, cache=cache)
        names = json.loads((tmp_path / out / "run.json").read_text())["cells"]
        return summary, [json.loads((tmp_path / out / n / "cell.json").read_text()) for n in names]

    return go


def test_embeddings_are_looked_up_by_name_and_no_image_is_decoded(run, files, log, cache):
    assert run(files)[0].failed == 0
    names = sorted(p.name for p in (cache.root / "datasets").glob("*/*.png"))
    assert log == [("find", "toys", names), ("close",)]
    assert not (cache.root / FOLDER).exists()
    metrics = pd.read_parquet(next((files.parents[1] / "run").glob("cells/*/*/*/metrics.parquet")))
    assert metrics["value"].tolist() == [1.0]


def test_a_cell_says_what_is_declared_and_what_is_not_known(run, files, tmp_path):
    _, [cell] = run(files)
    assert cell["coverage"]["declared"] is True
    assert cell["coverage"]["model_bytes"] is None
    assert cell["numerics"] == "declared: a phone"
    assert cell["batch"] is None
    assert (cell["quantizer_info"]["kind"], cell["quantizer_info"]["batch_invariant"]) == ("control", None)
    assert cell["quantizer_info"]["options"] == {"path": "phone"}
    for file in (tmp_path / "run").rglob("*.json"):
        assert str(tmp_path) not in file.read_text()


def test_neither_noise_nor_speed_is_made_up(run, files, tmp_path):
    run(files, noise=2, speed=1)
    assert not list((tmp_path / "run").rglob("noise.parquet"))
    assert not (tmp_path / "run" / "speed").exists()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["speed"] == []


def test_the_key_follows_the_content_and_not_the_place(run, files, log):
    key = run(files)[1][0]["key"]
    moved = files.rename(files.with_name("tablet"))
    summary, [cell] = run(moved)
    assert (summary.computed, cell["key"]) == (1, key)  # another label is another cell, of the same key
    assert [entry[0] for entry in log].count("find") == 1
    assert run(moved, batch_size=3)[1][0]["key"] == key  # no batch of ours
    (moved / "toys" / "images").write_text("two")
    assert run(moved)[1][0]["key"] != key
    assert [entry[0] for entry in log].count("find") == 2


def test_embeddings_that_are_missing_fail_their_cells_only(run, tmp_path):
    gone = {"name": "phone", "label": "gone", "options": {"path": str(tmp_path / "home" / "gone")}}
    summary, cells = run(tmp_path / "x", quantizers=["base", gone], baseline="base")
    assert (summary.done, summary.failed) == (1, 1)
    assert (cells[1]["error"]["stage"], cells[1]["error"]["what"]) == ("build", "there are no embeddings")
    assert cells[1]["error"]["where"] == "gone"


def test_a_record_with_embeddings_needs_an_encoder_that_looks_up(run, files, registry):
    entry = registry.quantizer("phone")
    pixels = registry.quantizer("base").record.build
    registry.entries["qbench_quantizers"][-1] = replace(entry, record=replace(entry.record, build=pixels_of(pixels)))
    summary, [cell] = run(files)
    assert summary.failed == 1
    assert "is not a NamedEncoder" in cell["error"]["what"]


def pixels_of(build):
    return lambda checkpoint, context, options: build(checkpoint, context, options)


def test_a_forecast_counts_no_disk_for_it(spec, registry, cache, files, tmp_path, run):
    run(files)
    (files / "toys" / "images").write_text("two")
    phone = {"name": "phone", "label": "base", "options": {"path": str(files)}}
    found = forecast(spec(quantizers=[phone]), tmp_path / "run", registry=registry, cache=cache)
    assert (found.to_compute, found.disk_bytes, found.unmeasured) == (1, 0, 0)


# --- what has to be embedded


def test_what_has_to_be_embedded_is_listed(spec, registry, cache, tmp_path):
    wanted = spec(models=["toy/one", "toy/missing"], limit=6)
    listed = list_wanted(wanted, tmp_path / "list", registry=registry, cache=cache)
    assert listed.counts == {"toys": (6, 2)}
    assert list(listed.unknown) == ["toy/missing"]
    models = json.loads((tmp_path / "list" / "models.json").read_text())
    assert models["toy/one"]["weights"] == "one"
    assert models["toy/one"]["preprocessing"]["geometry"] == {
        "size": 4,
        "resize": "shortest",
        "interpolation": "bicubic",
    }
    images = pd.read_parquet(tmp_path / "list" / "toys" / "images.parquet")
    assert list(images) == ["id", "path", "x", "y", "width", "height"]
    assert images["x"].isna().all()
    assert all(path.endswith(f"/{name}") for path, name in zip(images["path"], images["id"], strict=True))
    assert pd.read_parquet(tmp_path / "list" / "toys" / "texts.parquet")["id"].tolist() == ["bright", "dark"]


def test_boxes_are_part_of_a_name_and_stand_in_columns_too(spec, registry, cache, tmp_path, monkeypatch):
    task = registry.benchmark("toys").record.load
    original, prompts = task.data, task.prompts

    def boxed(self, root):
        items = original(self, root)
        box = (1.0, 2.0, 3.5, 4.0)
        return replace(items, images=(replace(items.images[0], box=box), *items.images[1:]))

    monkeypatch.setattr(task, "data", boxed)
    monkeypatch.setattr(task, "prompts", lambda self, items: replace(prompts(self, items), texts=("a", "a")))
    list_wanted(spec(), tmp_path / "list", registry=registry, cache=cache, benchmark="toys")
    images = pd.read_parquet(tmp_path / "list" / "toys" / "images.parquet")
    assert images["id"][0].endswith(".png#xywh=1,2,3.5,4")
    assert images.loc[0, ["x", "y", "width", "height"]].tolist() == [1, 2, 3.5, 4]
    assert len(pd.read_parquet(tmp_path / "list" / "toys" / "texts.parquet")) == 1  # each text once


def test_a_list_overwrites_nothing_is_whole_and_knows_its_benchmarks(spec, registry, cache, tmp_path, monkeypatch):
    def fail(*what):
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"no benchmark called 'toy'(.|\n)*It has: toys"):
        list_wanted(spec(), tmp_path / "list", registry=registry, cache=cache, benchmark="toy")
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "mine").touch()
    with pytest.raises(InputError, match="the folder is not empty"):
        list_wanted(spec(), tmp_path / "list", registry=registry, cache=cache)
    alike = [{"name": "toys", "dataset": "drawn", "label": label} for label in ("a b", "a-b")]
    with monkeypatch.context() as patched, pytest.raises(MachineError, match="the disk is full"):
        patched.setattr(embedding_list, "write_json", fail)
        list_wanted(spec(benchmarks=alike), tmp_path / "new", registry=registry, cache=cache)
    assert not list(tmp_path.glob("*new*"))  # and so the same command can be repeated
    list_wanted(spec(benchmarks=alike), tmp_path / "new", registry=registry, cache=cache)
    assert len([folder for folder in (tmp_path / "new").iterdir() if folder.is_dir()]) == 2


def test_a_list_has_no_folders_that_some_file_systems_take_for_one(spec, registry, cache, tmp_path):
    alike = [{"name": "toys", "dataset": "drawn", "label": label} for label in ("Toys", "toys")]
    with pytest.raises(InputError, match="the labels 'Toys' and 'toys' differ in their case only"):
        list_wanted(spec(benchmarks=alike), tmp_path / "list", registry=registry, cache=cache)
    assert not (tmp_path / "list").exists()


def test_an_id_is_the_same_on_every_machine(tmp_path):
    source = FolderSource(tmp_path)
    assert image_id(ImageLocation(source, "val/1.jpg")) == "val/1.jpg"
    box = (np.float64(0.1) + 0.2, np.float64(2), 30, 1e16)
    name = image_id(ImageLocation(source, "1.jpg", box))
    assert name == "1.jpg#xywh=0.30000000000000004,2,30,10000000000000000"
    with pytest.raises(DataError, match="leaves the dataset's folder"):
        image_id(ImageLocation(source, "../1.jpg"))
