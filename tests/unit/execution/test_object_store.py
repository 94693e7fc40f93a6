"""A run whose folder and cache are in an object store: machines with folders of their own give what one run gives."""

from contextlib import contextmanager
from uuid import uuid4

import pytest

from qbench.errors import MachineError
from qbench.execution.run import execute
from qbench.execution.sharding import Shard
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.runfolder.exchange import RunExchange
from qbench.store.cache import Cache
from qbench.store.objects.shards import cache_at
from qbench.store.objects.store import ObjectStore, opened, opened_to_read
from qbench.store.objects.versions import VersionedFolder
from tests.unit.execution.test_shards import answers, content


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Three parts of 12 images, of 5, 5 and 2: a batch has 5."""
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 5)


@pytest.fixture
def wanted(spec):
    return spec(speed=1, noise=1)


@pytest.fixture
def address():
    """A store in the memory of this process."""
    return f"memory://{uuid4().hex}"


@pytest.fixture
def machine(wanted, registry, tmp_path, address):
    """Execute a shard, or all, on a machine of a name, which has nothing but its own folders and the store."""

    def go(name, shard=None, spec=wanted):
        cache_at.cache_clear()
        exchange = RunExchange(VersionedFolder(opened(f"{address}/run", "run")), tmp_path / name / "run")
        cache = Cache(tmp_path / name / "cache", f"{address}/cache")
        done = execute(spec, exchange.folder, registry=registry, cache=cache, shard=shard, exchange=exchange)
        if done.complete:
            analysed(load(exchange.folder))
            assert exchange.conclude()
        return done

    return go


@pytest.fixture
def expected(wanted, registry, tmp_path):
    """What one run into folders gives."""
    done = execute(wanted, tmp_path / "whole", registry=registry, cache=Cache(tmp_path / "whole-cache"))
    assert done.complete
    analysed(load(tmp_path / "whole"))
    return content(tmp_path / "whole")


@pytest.fixture
def fetched(tmp_path, address):
    """What a machine that has nothing reads from the store."""

    def read():
        folder = tmp_path / uuid4().hex
        RunExchange(VersionedFolder(opened_to_read(f"{address}/run", "run")), folder).pull()
        return content(folder)

    return read


@pytest.mark.parametrize("order", [(1, 2), (5, 3, 4, 1, 2)])
def test_machines_give_in_any_order_what_one_run_gives(machine, expected, fetched, log, order):
    log.clear()
    ended = [machine(f"machine {number}", Shard(number, len(order))) for number in order]
    assert [done.complete for done in ended] == [False] * (len(order) - 1) + [True]
    assert fetched() == expected


def test_machines_compute_as_much_as_one_run_and_a_new_one_nothing(machine, expected, spec, log):
    once = answers(log)
    log.clear()
    for number in range(1, 6):
        machine(f"machine {number}", Shard(number, 5))
    assert answers(log) == once
    log.clear()
    assert machine("another").complete
    assert not answers(log)


def flip(store: ObjectStore, name: str) -> None:
    """Change one bit of an object."""
    found = bytearray(store.get(name))
    found[len(found) // 2] ^= 4
    store.put(name, bytes(found))


def test_damaged_objects_are_found_said_and_made_again(machine, expected, fetched, address, caplog):
    machine("first")
    run, cache = ObjectStore.of(f"{address}/run"), ObjectStore.of(f"{address}/cache")
    kinds = {name.split("/")[0] for name in cache.names("")}
    assert {"pixels", "images", "texts", "variants"} <= kinds
    names = [(run, name) for name in run.names("") if name.startswith(("versions/", "files/"))]
    names += [(cache, name) for name in cache.names("") if name.startswith(("pixels", "images", "texts", "variants"))]
    for store, name in names:
        flip(store, name)
    assert machine("second").complete
    assert "damaged" in caplog.text
    assert fetched() == expected


def test_a_machine_that_has_the_files_puts_them_where_they_are_damaged(machine, expected, fetched, address):
    machine("first")
    store = ObjectStore.of(f"{address}/run")
    for name in store.names("files"):
        flip(store, f"files/{name}")
    assert fetched() != expected
    machine("first")
    assert fetched() == expected


class Broken:
    """Lets so many requests to a store pass, and no more."""

    def __init__(self, monkeypatch, passing):
        self.left = passing
        asked = ObjectStore._asked

        @contextmanager
        def counted(store, what, name):
            with asked(store, what, name):
                self.left -= 1
                if self.left < 0:
                    raise ConnectionError("the network is gone")
                yield

        monkeypatch.setattr(ObjectStore, "_asked", counted)


@pytest.mark.parametrize("passing", [3, 40, 90])
def test_a_shard_that_loses_the_store_is_repeated_by_the_same_command(machine, expected, fetched, monkeypatch, passing):
    machine("first", Shard(1, 2))
    with monkeypatch.context() as patch:
        Broken(patch, passing)
        with pytest.raises(MachineError, match=r"the store does not answer .the network is gone"):
            machine("second", Shard(2, 2))
    assert machine("second", Shard(2, 2)).complete
    assert fetched() == expected


def test_another_machine_repeats_a_shard_that_was_lost_with_its_machine(machine, expected, fetched, monkeypatch):
    with monkeypatch.context() as patch:
        Broken(patch, 45)
        with pytest.raises(MachineError):
            machine("first", Shard(1, 2))
    for number in (2, 1):
        done = machine(f"new {number}", Shard(number, 2))
    assert done.complete
    assert fetched() == expected


def test_what_was_computed_before_there_was_a_store_is_put_there(machine, wanted, registry, tmp_path, log):
    execute(wanted, tmp_path / "run", registry=registry, cache=Cache(tmp_path / "here" / "cache"))
    machine("here")
    log.clear()
    machine("elsewhere")
    assert not answers(log)
