"""``batch_size = "auto"``: found once, remembered, recorded, and an ordinary number from then on."""

import json

import pytest

from qbench.errors import InputError, MachineError
from qbench.execution import batch_size
from qbench.execution.batch_size import largest_not_slower
from qbench.execution.forecast import forecast
from qbench.execution.progress import Silent
from qbench.execution.run import execute
from qbench.execution.sharding import Shard
from qbench.probes.batches import TooLittleMemoryError
from qbench.spec.read import read_spec


class Said(Silent):
    """Keeps what the user is told."""

    def __init__(self):
        self.lines = []

    def say(self, text, *, style=""):
        self.lines.append(text)


@pytest.fixture
def said():
    return Said()


@pytest.fixture
def run(spec, registry, cache, tmp_path, said, monkeypatch):
    """Execute a spec with ``"auto"``; the size that its cells and its folder have. Sizes of 2, 4 and 8 are tried."""
    monkeypatch.setattr(batch_size, "SIZES", (2, 4, 8))

    def go(folder="run", shard=None, **changes):
        wanted = spec(**{"batch_size": "auto", **changes})
        execute(wanted, tmp_path / folder, registry=registry, cache=cache, progress=said, shard=shard)
        record = json.loads((tmp_path / folder / "run.json").read_text())
        cells = [json.loads((tmp_path / folder / name / "cell.json").read_text()) for name in record["cells"]]
        sizes = {record["spec"]["batch_size"], *(cell["batch"]["size"] for cell in cells if cell["batch"])}
        return sizes, [cell["key"] for cell in cells]

    return go


def timed(monkeypatch, seconds):
    """Let batches take given times."""
    monkeypatch.setattr(batch_size, "_seconds", lambda opened, asked, size: seconds[size])


def test_the_largest_size_that_is_not_slower_is_one_for_the_run_and_its_keys_are_those_of_the_number(run, monkeypatch):
    timed(monkeypatch, {2: 1.0, 4: 1.5, 8: 4.0})
    sizes, keys = run()
    assert sizes == {4}
    assert run("other", batch_size=4) == (sizes, keys)


def test_it_is_found_by_answering_and_not_more_than_half_the_images_are_in_a_batch(run, log):
    sizes, _ = run(quantizers=["base"])
    tried = [count for what, count, *_ in (x for x in log if len(x) > 1) if what == "images"]
    assert set(tried) == {2, 4}
    assert len(sizes) == 1
    assert sizes < {2, 4}


def test_it_is_remembered_for_the_machine_the_model_and_its_precision(run, monkeypatch, log):
    timed(monkeypatch, {2: 1.0, 4: 1.5, 8: 9.0})
    run()
    timed(monkeypatch, {})  # another search would raise a KeyError
    log.clear()
    assert run("again")[0] == {4}
    assert log == []  # nothing is built, so nothing imports torch
    timed(monkeypatch, {2: 1.0, 4: 9.0})
    assert run("other", models=["toy/two"])[0] == {2}
    assert run("both", models=["toy/one", "toy/two"])[0] == {2}  # the smallest of what was found for the models


def test_a_run_that_is_continued_keeps_the_size_that_it_records(run, monkeypatch, cache, tmp_path):
    timed(monkeypatch, {2: 1.0, 4: 1.5})
    sizes, keys = run(quantizers=["base"])
    (memo,) = (cache.root / batch_size.MEMO).rglob("*.memo")
    memo.unlink()
    timed(monkeypatch, {2: 1.0, 4: 9.0})
    sizes_again, keys_again = run()
    assert (sizes_again, keys_again[0]) == (sizes, keys[0])


def test_a_cache_that_cannot_be_written_loses_nothing_but_the_memory_of_it(run, monkeypatch, cache):
    def full(path):
        raise MachineError("the disk is full")

    timed(monkeypatch, {2: 1.0, 4: 1.5})
    monkeypatch.setattr("qbench.store.memos.atomic", full)
    assert run()[0] == {4}
    assert not (cache.root / batch_size.MEMO).exists()


def grows(registry, error, largest):
    """Let the device have memory for batches of `largest` images only."""
    for entry in registry.entries["qbench_quantizers"]:
        original = entry.record.build

        def build(checkpoint, context, options, original=original):
            variant = original(checkpoint, context, options)
            encode = variant.encoder.encode_images

            def encode_images(pixels):
                if len(pixels) > largest:
                    raise error
                return encode(pixels)

            variant.encoder.encode_images = encode_images
            return variant

        object.__setattr__(entry.record, "build", build)


class OutOfMemoryError(RuntimeError):
    """As torch names it, which is not imported here."""


@pytest.mark.parametrize("error", [OutOfMemoryError("CUDA out of memory."), MemoryError()])
def test_a_size_for_which_there_is_no_memory_is_said_and_a_smaller_one_is_taken(run, registry, said, error):
    grows(registry, error, largest=2)
    assert run()[0] == {2}
    assert "the device has too little memory for a batch of 4; 2 fit" in said.lines
    assert "batches of 2, for batch_size = auto" in said.lines


def test_where_no_size_fits_the_run_is_refused(run, registry):
    grows(registry, OutOfMemoryError("CUDA out of memory."), largest=1)
    with pytest.raises(TooLittleMemoryError, match="too little memory for a batch of 2"):
        run()


def test_a_model_that_cannot_be_asked_fails_its_cells_and_not_the_search(run, monkeypatch):
    assert run("broken", baseline="bad", quantizers=["bad", "base"])[0] == {64}
    timed(monkeypatch, {2: 1.0, 4: 1.5})
    assert run(models=["toy/missing", "toy/one"])[0] == {4}


def test_shards_need_a_size_that_is_recorded(run, monkeypatch):
    timed(monkeypatch, {2: 1.0, 4: 1.5})
    with pytest.raises(InputError, match="shards of one run need one batch size"):
        run(shard=Shard(1, 2))
    run()
    assert run(shard=Shard(1, 2))[0] == {4}


def test_the_plan_says_the_size_that_a_run_would_use(run, spec, registry, cache, tmp_path, monkeypatch):
    timed(monkeypatch, {2: 1.0, 4: 1.5})

    def planned(folder):
        return forecast(spec(batch_size="auto"), tmp_path / folder, registry=registry, cache=cache)

    assert not planned("run").batch_size_known
    run()
    for folder, done in (("run", 2), ("other", 0)):  # recorded in the one, remembered for the other
        found = planned(folder)
        assert (found.batch_size_known, found.plan.spec.per_batch, found.done, found.to_compute) == (True, 4, done, 0)


def test_times_within_three_per_cent_are_equal_and_long_batches_end_the_search():
    times = {8: 1.0, 16: 2.05, 32: 4.1, 64: 8.0}
    assert largest_not_slower(times.__getitem__, [8, 16, 32, 64], Silent()) == 32


@pytest.mark.parametrize("wrong", [0, 4097, "large", "8", 8.0, True])
def test_a_batch_size_is_a_number_or_auto(spec, wrong):
    with pytest.raises(InputError, match='batch_size: Input should be a valid integer from 1 to 4,096, or "auto"'):
        read_spec({**spec().model_dump(), "batch_size": wrong})
