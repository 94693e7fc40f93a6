"""Models answer while images are decoded; what overlaps, and what stops it, changes no bit."""

import json
import threading

import pytest

from qbench.execution.progress import Silent
from qbench.execution.run import execute
from qbench.store.cache import Cache
from tests.unit.execution.conftest import COUNT, Encoder
from tests.unit.execution.test_executors import tables


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Three shards of 12 images, of 5, 5 and 2: a batch has 5."""
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 5)
    monkeypatch.setattr("qbench.images.workers.TASKS_PER_PROCESS", 1)


class Decoding(Silent):
    """Sees how many images are decoded, and calls a function after each."""

    def __init__(self, after=lambda count: None):
        self.count, self.after = 0, after

    def step(self, n=1):
        if threading.current_thread().name.startswith("decoder"):
            self.count += n
            self.after(self.count)


def test_a_model_answers_while_images_are_decoded(spec, registry, cache, tmp_path, monkeypatch):
    answered, encode = threading.Event(), Encoder.encode_images

    def encodes(self, pixels):
        answered.set()
        return encode(self, pixels)

    def waits(count):
        if count == 6:
            assert answered.wait(60), "the first shard is decoded, and is not answered"

    monkeypatch.setattr(Encoder, "encode_images", encodes)
    told = Decoding(waits)
    assert execute(spec(workers=1), tmp_path / "run", registry=registry, cache=cache, progress=told).failed == 0
    assert told.count == COUNT


@pytest.mark.parametrize("workers", [2, 8])
def test_the_number_of_workers_changes_no_bit(spec, registry, tmp_path, workers):
    wanted = {"quantizers": ["base", "half"], "noise": 1}
    for count in (1, workers):
        cache = Cache(tmp_path / f"cache-{count}")
        execute(spec(**wanted, workers=count), tmp_path / str(count), registry=registry, cache=cache)
    assert same(tmp_path / "1", tmp_path / str(workers))
    for stored in sorted((tmp_path / "cache-1").glob("*/**/rows")):
        its = tmp_path / f"cache-{workers}" / stored.relative_to(tmp_path / "cache-1")
        assert its.read_bytes() == stored.read_bytes()


@pytest.mark.parametrize("after", [1, 7, COUNT - 1])
def test_a_run_that_is_stopped_while_images_are_decoded_goes_on(spec, registry, tmp_path, monkeypatch, after):
    execute(spec(), tmp_path / "whole", registry=registry, cache=Cache(tmp_path / "one"))
    cache, decoded = Cache(tmp_path / "other"), threading.Event()

    def stops(self, pixels):
        assert decoded.wait(60)
        raise KeyboardInterrupt

    def stop_all(count):
        if count >= after:
            decoded.set()

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Encoder, "encode_images", stops)
        execute(spec(), tmp_path / "run", registry=registry, cache=cache, progress=Decoding(stop_all))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decoder")]
    told = Decoding()
    assert execute(spec(), tmp_path / "run", registry=registry, cache=cache, progress=told).done == 2
    assert told.count <= COUNT
    assert same(tmp_path / "whole", tmp_path / "run")
    warm = Decoding()
    execute(spec(), tmp_path / "again", registry=registry, cache=cache, progress=warm)
    assert warm.count == 0
    assert same(tmp_path / "whole", tmp_path / "again")


def test_time_that_was_spent_waiting_for_images_is_not_that_of_the_model(spec, registry, cache, tmp_path):
    pause = threading.Event()
    execute(
        spec(quantizers=["base"]),
        tmp_path / "run",
        registry=registry,
        cache=cache,
        progress=Decoding(lambda count: pause.wait(0.05)),
    )
    (cell,) = (tmp_path / "run").rglob("cell.json")
    assert json.loads(cell.read_text(encoding="utf-8"))["seconds"]["images"] < COUNT * 0.05 / 2


def same(one, other):
    """Whether two run folders have the same tables, bit for bit."""
    first, second = tables(one), tables(other)
    return list(first) == list(second) and all(first[name].equals(second[name]) for name in first)
