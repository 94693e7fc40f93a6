"""A source of images that the core has never heard of: a benchmark whose images are in a database."""

import io
import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qbench.api import Benchmark, ImageLocation, Items
from qbench.execution.data_check import check_data
from qbench.execution.embedding_list import list_wanted
from qbench.execution.forecast import forecast
from qbench.execution.run import execute
from qbench.plugins.registry import Entry
from qbench.report.html import render
from qbench.results import load
from qbench.spec.model import BenchmarkSpec

from .shelf import Shelf, ShelfSource


def encoded(value: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def shelf(tmp_path):
    made = Shelf(tmp_path / "shelf.db")
    for i in range(12):
        made[f"{'db'[i % 2]}{i:02d}"] = encoded(20 * i if i % 2 else 5 * i)
    return made


@pytest.fixture
def source(shelf):
    return ShelfSource(shelf.path)


@pytest.fixture
def remembered(registry, shelf, source, tmp_path):
    """The registry, with a benchmark of the images in the database."""
    toys = registry.benchmark("toys")

    class Task(toys.record.load):
        def data(self, root):
            keys = shelf.names() + ["gone"] * (self.options.broken == "missing")
            table = pd.DataFrame({"item": keys, "image": keys, "image_index": range(len(keys))})
            images = tuple(ImageLocation(source, key, (0, 0, 4, 4)) for key in keys)
            return Items(table=table.assign(label=[key[0] for key in keys]), images=images, root=root)

    record: Benchmark = replace(toys.record, name="remembered", load=Task, root=tmp_path)
    registry.entries["qbench_benchmarks"].append(Entry(plugin=toys.plugin, record=record))
    return registry


def test_it_can_be_sent_to_a_worker(source):
    assert pickle.loads(pickle.dumps(source)) == source


def test_from_plan_to_report(remembered, shelf, spec, cache, tmp_path):
    wanted, out = spec(benchmarks=["remembered"]), tmp_path / "run"
    plan = forecast(wanted, out, registry=remembered, cache=cache)
    assert [(part.state, part.detail) for part in plan.benchmarks] == [("ready", "12 items, 12 images, 2 texts")]
    done = execute(wanted, out, registry=remembered, cache=cache)
    assert (done.done, done.failed) == (2, 0)
    results = load(out)
    assert results.records[0].table("items")["item"].tolist() == shelf.names()
    page = render(results, tmp_path / "report.html")
    assert "remembered" in page.read_text("utf-8")
    assert execute(wanted, out, registry=remembered, cache=cache).computed == 0


def test_the_key_follows_the_content(remembered, shelf, spec, cache, tmp_path):
    wanted, out = spec(benchmarks=["remembered"], quantizers=["base"]), tmp_path / "run"
    execute(wanted, out, registry=remembered, cache=cache)
    shelf["b01"] = encoded(255)
    assert execute(wanted, out, registry=remembered, cache=cache).computed == 1


def test_the_pixels_are_those_of_the_same_files(remembered, shelf, spec, cache, tmp_path):
    """The embeddings of images in the database are, bit for bit, those of the same images as files."""
    for key in shelf.names():
        (tmp_path / f"{key}.png").write_bytes(shelf[key])
    files = replace(remembered.benchmark("toys").record, name="filed", root=tmp_path)
    remembered.entries["qbench_benchmarks"].append(Entry(plugin=remembered.benchmark("toys").plugin, record=files))
    execute(spec(benchmarks=["remembered", "filed"]), tmp_path / "run", registry=remembered, cache=cache)
    stores = [np.fromfile(path, np.uint8) for path in cache.root.rglob("pixels/**/rows")]
    assert len(stores) == 2
    np.testing.assert_array_equal(*stores)


def test_the_data_check_counts_what_is_missing_and_damaged(remembered, shelf, cache):
    options = {"name": "remembered", "options": {"broken": "missing"}}
    shelf["b01"] = b"no image"
    shelf["b03"] = shelf["b05"]
    checked = check_data(BenchmarkSpec.model_validate(options), remembered, decode=True, cache=cache)
    assert {(f.kind, f.count) for f in checked.findings} >= {("missing", 1), ("unreadable", 1), ("duplicates", 1)}
    shelf["b01"] = encoded(21)
    sound = check_data(BenchmarkSpec.model_validate({"name": "remembered"}), remembered, decode=True, cache=cache)
    assert sound.fingerprint


def test_what_is_embedded_by_others_is_listed(remembered, shelf, spec, cache, tmp_path):
    list_wanted(spec(benchmarks=["remembered"]), tmp_path / "list", registry=remembered, cache=cache)
    images = pd.read_parquet(tmp_path / "list" / "remembered" / "images.parquet")
    assert images["id"][0] == "b01#xywh=0,0,4,4"
    assert images["path"][0] == f"{shelf.path}: b01"


def test_a_missing_image_fails_in_words(remembered, shelf, spec, cache, tmp_path):
    wanted = spec(
        benchmarks=[{"name": "remembered", "options": {"broken": "missing"}}, {"name": "toys", "dataset": "drawn"}]
    )
    execute(wanted, tmp_path / "run", registry=remembered, cache=cache)
    [record] = [json.loads(p.read_text()) for p in (tmp_path / "run").rglob("cell.json") if "remembered" in str(p)][:1]
    assert record["error"]["what"].startswith("the images of 1 of 13 items are missing (")
    assert "shelf.db: gone)" in record["error"]["what"]
