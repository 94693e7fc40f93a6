"""Runs in a store of a real server, moto's: several processes at once, each as on a machine of its own.

`test_objects.py` runs these tests in a process of their own.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from qbench.errors import MachineError
from qbench.execution.run import execute
from qbench.report import tables
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.runfolder.exchange import RunExchange, run_folder
from qbench.store.cache import Cache
from qbench.store.objects.store import ObjectStore, opened, opened_to_read
from qbench.store.objects.versions import VersionedFolder
from tests.objects.machine import CONCLUDED, PARTS, RUN, compute
from tests.unit.execution.conftest import fakes, toy_spec
from tests.unit.execution.test_shards import content

PRELOADED = ("torch", "s3fs", "qbench.results.analysis", "tests.objects.machine")


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """A server with an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    known = {"AWS_ACCESS_KEY_ID": "of-the-test", "AWS_SECRET_ACCESS_KEY": "of-the-test", "AWS_REGION": "us-east-1"}
    os.environ.update({**known, "AWS_ENDPOINT_URL": f"http://{host}:{port}"})
    fsspec.filesystem("s3").mkdir("bucket")
    yield
    server.stop()


def start(number: int, folder: Path, *, killed: bool = False) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    process = context.Process(target=compute, args=(number, folder, killed))
    process.start()
    return process


def ended(process: BaseProcess) -> int | None:
    process.join(120)
    return process.exitcode


def test_four_machines_at_once_give_the_same_results_though_one_is_killed(server: None, tmp_path: Path) -> None:
    started = [start(number, tmp_path / f"{number}", killed=number == 3) for number in range(1, PARTS + 1)]
    assert [ended(process) for process in started] == [0, 0, -signal.SIGKILL, 0]
    assert ended(start(3, tmp_path / "3")) == CONCLUDED
    here = tmp_path / "here"
    execute(toy_spec(speed=1, noise=1), here, registry=fakes([]), cache=Cache(tmp_path / "cache"))
    analysed(load(here))
    copy = tmp_path / "copy"
    RunExchange(VersionedFolder(opened_to_read(RUN, "run")), copy).pull()
    assert content(copy) == content(here)


def test_commands_read_the_run(qbench_here, cache, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QBENCH_CACHE", str(cache))
    qbench_here("export", RUN, "--table", "items", "--out", "items.csv", cwd=tmp_path)
    assert (tmp_path / "items.csv").read_bytes() == tables.export(load(run_folder(RUN)), table="items", format="csv")
    assert qbench_here("check", RUN, cwd=tmp_path, check=2).stdout.startswith("COULD NOT EVALUATE")
    qbench_here("report", RUN, "--no-charts", "--out", "report.html", cwd=tmp_path)
    assert "are what was written" in qbench_here("verify", RUN, cwd=tmp_path, check=2).stdout
    assert f"In the store: {RUN}" in qbench_here("analyse", RUN, "--seed", "1", "--no-report", cwd=tmp_path).stdout
    store = opened_to_read(RUN, "run")
    for file in store.names("files"):
        store.put(f"files/{file}", b"damaged")
    for path in run_folder(RUN).rglob("*.parquet"):
        path.unlink()
    assert "items.parquet: the file is missing" in qbench_here("report", RUN, cwd=tmp_path, check=2).stderr


def test_of_many_that_create_an_object_one_succeeds(server: None) -> None:
    store, created = opened("s3://bucket/race", "cache"), []

    def create(number: int) -> None:
        created.append(store.create("a", str(number).encode()))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(created) == [False] * 7 + [True]


def test_what_a_task_of_the_client_says_is_not_for_the_terminal(server: None, caplog: pytest.LogCaptureFixture) -> None:
    """As when a connection ends while something is sent: the request that failed says so."""
    caplog.set_level("DEBUG", "qbench")
    store = opened("s3://bucket/unheard", "cache")

    async def fail() -> None:
        async def task() -> None:
            raise ConnectionResetError("Cannot write to closing transport")

        asyncio.ensure_future(task())  # noqa: RUF006 - nobody keeps it
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run_coroutine_threadsafe(fail(), store._files.loop).result()
    assert [x for x in caplog.records if x.name == "asyncio"] == []
    assert any("Cannot write to closing transport" in x.message for x in caplog.records if x.name.startswith("qbench"))


def test_a_bucket_that_does_not_exist(server: None, qbench_here, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="the bucket does not exist"):
        opened("s3://missing/runs", "run")
    assert ObjectStore.of("s3://missing/runs").get("a") is None
    said = qbench_here("run", "demo", "--out", "s3://missing/runs", cwd=tmp_path, check=2).stderr
    assert "s3://missing/runs: the bucket does not exist" in said
