"""A run whose folder and cache are in an object store: machines with folders of their own give what one run gives."""

import json
import os
from uuid import uuid4

import pytest

from qbench.errors import InputError, MachineError
from qbench.execution.run import execute
from qbench.execution.sharding import Shard
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.runfolder.exchange import RunExchange
from qbench.store.cache import Cache
from qbench.store.objects.shards import cache_at
from qbench.store.objects.store import ObjectStore, opened, opened_to_read
from qbench.store.objects.versions import VersionedFolder
from tests.unit.execution.test_shards import content


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


def objects(store: ObjectStore, folder: str) -> dict[str, bytes]:
    return {name: store.get(f"{folder}/{name}") for name in store.names(folder)}


@pytest.mark.parametrize("order", [(1, 2), (3, 1, 2), (5, 4, 3, 2, 1)])
def test_machines_give_in_any_order_what_one_run_gives(machine, expected, fetched, log, order):
    log.clear()
    ended = [machine(f"machine {number}", Shard(number, len(order))) for number in order]
    assert [done.complete for done in ended] == [False] * (len(order) - 1) + [True]
    assert fetched() == expected
