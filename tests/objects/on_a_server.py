"""Runs in a store of a real server, moto's: several commands at once, each as on a machine of its own.

`test_objects.py` runs these tests in a process that finds s3fs and moto.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from qbench.errors import MachineError
from qbench.report import tables
from qbench.results import load
from qbench.runfolder.exchange import RunExchange
from qbench.store.objects.store import ObjectStore, opened, opened_to_read
from qbench.store.objects.versions import VersionedFolder
from tests.faults.shards import PARTS, killed_at_work, small_parts
from tests.faults.study import Ended, Study, results

RUN, CACHE = "s3://bucket/runs/study", "s3://bucket/cache"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server with an empty bucket; its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    known = {"AWS_ACCESS_KEY_ID": "of-the-test", "AWS_SECRET_ACCESS_KEY": "of-the-test", "AWS_REGION": "us-east-1"}
    os.environ.update({**known, "AWS_ENDPOINT_URL": f"http://{host}:{port}", "FORWARDED_ALLOW_IPS": "127.0.0.1"})
    fsspec.filesystem("s3").mkdir("bucket")
    yield os.environ["AWS_ENDPOINT_URL"]
    server.stop()


@pytest.fixture(scope="module")
def study(server: str, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("objects") / "study", preload=("s3fs",))


def on_a_machine(folder: Path, parts: object = small_parts, *, cache: str = CACHE) -> None:
    """Be on a machine that has nothing but a folder of its own and the store."""
    parts()
    os.environ.update({"QBENCH_CACHE": str(folder), "QBENCH_CACHE_STORE": cache})


def shard(number: int) -> tuple[str, ...]:
    return "run", "spec.toml", "--out", RUN, "--shard", f"{number}/{PARTS}"


def test_four_machines_at_once_give_the_same_results_though_one_is_killed(study: Study, tmp_path: Path) -> None:
    machines = {number: tmp_path / f"machine {number}" for number in range(1, PARTS + 1)}
    started = [
        study.start(
            *shard(number), before=partial(on_a_machine, folder, killed_at_work if number == 3 else small_parts)
        )
        for number, folder in machines.items()
    ]
    assert [study.ended(process).code for process in started] == [0, 0, -9, 0]
    done = study.qbench(*shard(3), before=partial(on_a_machine, machines[3]))
    assert f"Shard 3/{PARTS} is the last one." in done.said, done.said
    assert (done.code, done.wrong) == (0, "")
    copy = tmp_path / "fetched"
    RunExchange(VersionedFolder(opened_to_read(RUN, "run")), copy).pull()
    assert results(copy) == study.results
    assert opened_to_read(RUN, "run").get("report.html") == (copy / "report.html").read_bytes()


def test_a_machine_that_has_nothing_reads_the_run(study: Study, tmp_path: Path) -> None:
    def read(*arguments: str, machine: str = "reader") -> Ended:
        done = study.qbench(*arguments, before=partial(on_a_machine, tmp_path / machine))
        assert not done.wrong, done.said
        return done

    assert read("export", RUN, "--table", "effects", "--out", str(tmp_path / "effects.csv")).code == 0
    here = tables.export(load(study.folder / "whole" / "run"), table="effects", format="csv")
    assert (tmp_path / "effects.csv").read_bytes() == here
    said = read("check", RUN).said  # nothing of so small a study is judged
    assert "COULD NOT EVALUATE" in said
    assert "none of its 4 numbers is judged" in said
    assert read("report", RUN, "--no-charts", "--out", str(tmp_path / "report.html")).code == 0
    assert read("analyse", RUN, "--seed", "1", "--no-report").code == 0
    assert "Nothing differs." in read("verify", RUN, machine="another reader").said
    store = opened_to_read(RUN, "run")
    for file in store.names("files"):
        store.put(f"files/{file}", b"damaged")
    damaged = read("report", RUN, machine="new reader")
    assert damaged.code == 2
    assert "damaged" in damaged.said


def test_of_many_that_create_an_object_one_succeeds(server: str) -> None:
    store, ended = opened("s3://bucket/race", "cache"), []

    def create(number: int) -> None:
        ended.append(store.create("a", str(number).encode()))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == [False] * 7 + [True]


def test_a_bucket_that_does_not_exist(study: Study, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="there is no such bucket"):
        opened("s3://missing/runs", "run")
    assert ObjectStore.of("s3://missing/runs").get("a") is None
    done = study.qbench("run", "spec.toml", "--out", "s3://missing/runs", before=partial(on_a_machine, tmp_path))
    assert (done.code, done.wrong) == (2, "")
    assert "s3://missing/runs: there is no such bucket" in done.said
