"""A cached folder is complete or absent, and is written once for everything that decides it."""

import os
import threading

import pytest

from qbench.store.folders import cached_folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path))
    return tmp_path


def test_it_is_written_once_for_each_key():
    written = []

    def write(folder):
        written.append(folder)
        (folder / "a").write_text(str(len(written)))

    first = cached_folder("things", {"a": 1}, write)
    assert cached_folder("things", {"a": 1}, write) == first
    other = cached_folder("things", {"a": 2}, write)
    assert [(f / "a").read_text() for f in (first, other)] == ["1", "2"]


def test_a_write_that_fails_leaves_nothing(cache):
    def fail(folder):
        (folder / "half").write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        cached_folder("things", {"a": 1}, fail)
    assert [p.name for p in cache.rglob("*") if p.is_file()] == [".lock"]
    folder = cached_folder("things", {"a": 1}, lambda f: (f / "whole").touch())
    assert [p.name for p in folder.iterdir()] == ["whole"]


def test_a_second_process_waits_for_the_first():
    begun, go, order = threading.Event(), threading.Event(), []

    def slow(folder):
        begun.set()
        assert go.wait(10)
        order.append("slow")

    def never(folder):
        order.append("never")

    first = threading.Thread(target=lambda: cached_folder("things", {"a": 1}, slow))
    second = threading.Thread(target=lambda: cached_folder("things", {"a": 1}, never))
    first.start()
    assert begun.wait(10)
    second.start()
    go.set()
    first.join(10)
    second.join(10)
    assert order == ["slow"]


def test_other_users_can_read_it_where_the_umask_lets_them():
    mask = os.umask(0o022)
    try:
        assert cached_folder("things", {"a": 1}, lambda f: None).stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(mask)
