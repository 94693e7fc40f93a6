"""A cached folder is complete or absent, is written once for everything that decides it, and is checked when used."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from qbench.errors import MachineError
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
    assert [p.suffix for p in cache.rglob("*") if p.is_file()] == [".lock"]
    assert not list((cache / "things").glob("*/*"))
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


def write(folder):
    (folder / "inside").mkdir()
    (folder / "inside" / "a.bin").write_bytes(bytes(range(40)))
    (folder / "b.txt").write_text("text")
    (folder / "empty").touch()


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    write(folder)
    return content(folder)


def changes(path: Path):
    whole = path.read_bytes()
    yield "missing", path.unlink
    yield "empty", lambda: path.write_bytes(b"")
    yield "truncated", lambda: path.write_bytes(whole[:-1])
    for place in range(0, len(whole), 11):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        yield f"bit in byte {place}", lambda flipped=flipped: path.write_bytes(flipped)


@pytest.mark.parametrize("name", ["inside/a.bin", "b.txt"])
def test_a_file_that_is_damaged_is_made_again_and_that_is_said(whole, name, caplog):
    folder = cached_folder("things", {"a": 1}, write)
    for what, change in changes(folder / name):
        change()
        caplog.clear()
        assert content(cached_folder("things", {"a": 1}, write)) == whole, what
        assert f"{folder}: " in caplog.text, what
        assert "is damaged or missing; the folder is made again" in caplog.text, what


def test_a_list_of_files_that_is_damaged_is_made_again(whole, caplog):
    folder = cached_folder("things", {"a": 1}, write)
    listed = folder.with_name(folder.name + ".files")
    for what, change in changes(listed):
        change()
        caplog.clear()
        assert content(cached_folder("things", {"a": 1}, write)) == whole, what
        assert what == "missing" or "the file is damaged; it is made again" in caplog.text, what


def test_what_a_killed_process_left_is_removed_and_no_link_is_followed(cache, whole, tmp_path_factory):
    code = """
import os, signal
from qbench.store.folders import cached_folder
def write(folder):
    (folder / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
cached_folder("things", {"a": 1}, write)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    (left,) = (p for p in cache.rglob("*.part") if p.is_dir())
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "precious").touch()
    (left / "link").symlink_to(elsewhere)
    assert content(cached_folder("things", {"a": 1}, write)) == whole
    assert not list(cache.rglob("*.part"))
    assert (elsewhere / "precious").exists()


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "no"), RuntimeError("I/O error: No space left on device (os error 28)")]
)
def test_a_full_disk_is_said_also_where_a_library_says_it_in_its_own_way(cache, error):
    def fail(folder):
        (folder / "half").write_text("half")
        raise error

    with pytest.raises(MachineError, match="the disk is full"):
        cached_folder("things", {"a": 1}, fail)
    assert not list((cache / "things").glob("*/*"))


def test_a_list_that_cannot_be_kept_does_not_discard_the_folder(whole, monkeypatch, caplog):
    def refused(*given, **named):
        raise PermissionError(errno.EACCES, "no")

    with monkeypatch.context() as broken:
        broken.setattr("tempfile.mkstemp", refused)
        assert content(cached_folder("things", {"a": 1}, write)) == whole
    assert "this cannot be remembered (the permission is missing)" in caplog.text
    assert content(cached_folder("things", {"a": 1}, write)) == whole


def test_a_disk_without_enough_space_is_refused_before_anything_is_written(cache):
    def never(folder):
        raise AssertionError

    with pytest.raises(MachineError, match=r"TiB are needed on this disk, and .* are free"):
        cached_folder("things", {"a": 1}, never, size=2**60)
    assert not list((cache / "things").glob("*/*"))
