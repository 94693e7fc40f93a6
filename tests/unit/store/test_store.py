"""Keys hold all that decides a thing; writes are whole or not at all; one run at a time in a folder."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qbench.errors import DataError, InputError, MachineError
from qbench.store.cache import Cache
from qbench.store.digests import digests_below
from qbench.store.files import atomic, read_json, read_json_object, write_json
from qbench.store.keys import key_of
from qbench.store.lock import locked


def test_a_key_ignores_the_order_of_names_and_nothing_else():
    assert key_of({"a": 1, "b": [1, 2]}) == key_of({"b": [1, 2], "a": 1})
    keys = {key_of({"a": v}) for v in (1, "1", 1.5, None, True, [1], {"x": 1}, [1, 2], [2, 1])}
    assert len(keys) == 9


def test_a_key_refuses_what_cannot_be_compared_later():
    with pytest.raises(TypeError):
        key_of({"a": object()})
    with pytest.raises(ValueError, match="Out of range"):
        key_of({"a": float("nan")})


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_json_goes_there_and_back(tmp_path):
    write_json(tmp_path / "deep" / "x.json", {"ä": [1, None]})
    assert read_json(tmp_path / "deep" / "x.json") == {"ä": [1, None]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", r"t\.json: the file is damaged: it is not valid JSON .*line 1"),
        (b"[" * 100_000, "the file is damaged: it is not valid JSON"),
        (b'"\xff"', "byte 1 is not UTF-8"),
        (b"[]", "does not hold a JSON object"),
    ],
)
def test_malformed_json_is_refused(tmp_path, content, said):
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(DataError, match=rf"{said}[^\n]*\nGet it there\."):
        read_json_object(tmp_path / "t.json", error=DataError, fix="Get it there.")


def test_a_json_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: the file does not exist"):
        read_json(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path)


def test_a_folder_that_is_in_use_is_refused(tmp_path):
    code = f"""
from pathlib import Path
from qbench.store.lock import locked
with locked(Path({str(tmp_path)!r})):
    print("held", flush=True); input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another qbench"), locked(tmp_path):
            pass
        other.communicate("\n")
    with locked(tmp_path):
        pass


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "is read-only")])
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_fault_of_the_machine_has_its_own_error_and_leaves_the_old_file(tmp_path, monkeypatch, call, number, said):
    path = tmp_path / "f"
    path.write_text("old")

    def fail(*given, **named):
        raise OSError(number, "no")

    with monkeypatch.context() as broken, pytest.raises(MachineError, match=rf"{tmp_path}/f: .*{said}") as found:
        broken.setattr(os, call, fail)
        write_json(path, {})
    assert found.value.exit_code == 2
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_other_errors_of_the_system_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), atomic(tmp_path / "f"):
        (tmp_path / "none").read_bytes()


def test_a_file_and_its_name_are_on_the_disk_when_it_is_written(tmp_path, monkeypatch):
    """In this order: content, name; and the names of the folders that were made for it."""
    done = []
    monkeypatch.setattr("qbench.store.files.sync", lambda path: done.append(path))
    usual = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, to: (done.append("renamed"), usual(path, to)))
    write_json(tmp_path / "a" / "b" / "f", {})
    folders, (part, *rest) = done[:2], done[2:]
    assert set(folders) == {tmp_path, tmp_path / "a"}
    assert part.name.startswith(".f.")
    assert rest == ["renamed", tmp_path / "a" / "b"]


def test_temporary_files_of_killed_processes_are_removed_with_the_next_write(tmp_path):
    """And those that a process is writing are not: it holds their lock."""
    path = tmp_path / "f"
    code = f"""
import os, signal
from pathlib import Path
from qbench.store.files import atomic
with atomic(Path({str(path)!r})) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    with atomic(path) as first:
        assert not left.exists()
        first.write_text("first")
        with atomic(path) as second:
            assert first.exists()
            second.write_text("second")
    assert path.read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_link_with_the_name_of_a_temporary_file_is_left_alone(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("x")
    (tmp_path / ".f.abc.part").symlink_to(precious)
    write_json(tmp_path / "f", {})
    assert precious.read_text() == "x"
    assert (tmp_path / ".f.abc.part").is_symlink()


def test_devices_and_pipes_are_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/proc/self/fd/1")
    for name in ("pipe", "link"):
        with pytest.raises(InputError, match="a device or a pipe, not a file"):
            write_json(tmp_path / name, "x")
    with pytest.raises(InputError, match="/dev/full: this is a device"):
        write_json(Path("/dev/full"), "x")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()


def test_all_files_that_cannot_be_read_are_named_in_one_message(tmp_path):
    files = [tmp_path / "files" / f"{i:02}" for i in range(13)]
    files[0].parent.mkdir()
    files[0].write_text("fine")
    for path in files[1:]:
        path.mkdir()  # opening it fails
    with pytest.raises(InputError, match="12 files cannot be read:") as error:
        digests_below(Cache(tmp_path / "cache"), files[0].parent, files)
    lines = str(error.value).splitlines()
    assert lines[1:] == [*(f"  {path}: Is a directory" for path in files[1:11]), "  and 2 more"]
    with pytest.raises(InputError, match=r"01: this cannot be read \(Is a directory\)"):
        digests_below(Cache(tmp_path / "cache"), files[0].parent, files[:2])
