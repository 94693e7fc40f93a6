"""Arrays are filled shard by shard; what was finished is kept, and what is damaged is made again, and said."""

import errno
import logging
import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from qbench.errors import MachineError
from qbench.store import arrays, shard_file
from qbench.store.cache import Cache

PARTS = {"of": "squares", "pair": (1, 2)}
COUNT, ROWS = 7, 3
VALUES = (np.arange(COUNT * 4, dtype=np.float32) ** 2).reshape(COUNT, 4)


@pytest.fixture
def array(tmp_path):
    return Cache(tmp_path).sharded("things", PARTS)


def fill(array, values=VALUES, rows_per_shard=ROWS):
    """Fill what is missing; the first rows of the shards that were written."""
    written = []
    with array.filling(len(values), rows_per_shard=rows_per_shard) as filling:
        for rows in filling.missing():
            filling.write(rows, values[rows.start : rows.stop])
            written.append(rows.start)
    return written


def flip(path, place, bit=0):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_it_is_filled_once_and_read_through_a_map(array):
    assert array.read() is None
    assert not array.complete
    assert fill(array) == [0, 3, 6]
    found = array.read()
    np.testing.assert_array_equal(found, VALUES)
    assert (found.dtype, found.flags.writeable, array.complete, array.rows_done()) == (np.float32, False, True, COUNT)
    assert isinstance(found, np.memmap)
    assert fill(array) == []


@pytest.mark.parametrize("values", [np.zeros((0, 4), np.float32), np.zeros((3, 0), np.uint8), np.arange(5)])
def test_arrays_without_values_and_of_one_dimension(array, values):
    fill(array, values)
    found = array.read()
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype
    assert fill(array, values) == []


def test_shards_may_be_written_in_any_order_and_by_others(array):
    """What says where the rows are is plain data that can be sent to another process."""
    with array.filling(COUNT, rows_per_shard=ROWS) as filling:
        file = filling.prepare((4,), np.float32)
        with ThreadPoolExecutor(2) as pool:
            order = [2, 0, 1]
            digests = pool.map(lambda n: file.write(n, VALUES[n * ROWS : (n + 1) * ROWS]), order)
            for number, digest in zip(order, digests, strict=True):
                assert array.read() is None
                filling.finish(number, digest)
    np.testing.assert_array_equal(array.read(), VALUES)


def test_what_was_finished_before_an_error_is_kept(array):
    with pytest.raises(RuntimeError), array.filling(COUNT, rows_per_shard=ROWS) as filling:
        filling.write(range(ROWS), VALUES[:ROWS])
        raise RuntimeError
    assert (array.read(), array.complete, array.rows_done()) == (None, False, ROWS)
    assert fill(array) == [3, 6]
    np.testing.assert_array_equal(array.read(), VALUES)


def test_rows_that_do_not_fit_are_refused(array):
    with array.filling(COUNT, rows_per_shard=ROWS) as filling:
        with pytest.raises(ValueError, match="3 rows"):
            filling.write(range(ROWS), VALUES[:2])
        filling.write(range(ROWS), VALUES[:ROWS])
        with pytest.raises(ValueError, match="cannot follow"):
            filling.write(range(3, 6), VALUES[3:6].astype(np.float64))
        with pytest.raises(ValueError, match="cannot follow"):
            filling.write(range(3, 6), VALUES[3:6, :2])


def test_another_number_of_rows_per_shard_makes_it_anew(array):
    fill(array)
    assert fill(array, rows_per_shard=4) == [0, 4]
    np.testing.assert_array_equal(array.read(), VALUES)


@pytest.mark.parametrize("name", ["rows", "shards.jsonl"])
def test_flipped_bits_are_found_and_mended(array, name, caplog):
    """Or it does no harm, as in a line break; the values are never others."""
    fill(array)
    path, said = array.folder / name, 0
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole)
        flip(path, place, bit=place % 8)
        caplog.clear()
        before = array.read()
        assert before is None or np.array_equal(before, VALUES)
        made = fill(array)
        told = caplog.text
        caplog.clear()
        np.testing.assert_array_equal(array.read(), VALUES)
        assert not caplog.text
        assert name != "rows" or made == [place // (ROWS * 16) * ROWS]
        said += "made again" in told
    tried = len(range(0, len(whole), 7))
    assert said == tried if name == "rows" else said > tried - 3  # a number may become that of another shard


@pytest.mark.parametrize("name", ["rows", "shards.jsonl"])
@pytest.mark.parametrize("change", [lambda b: b"", lambda b: b[:-9], lambda b: b + b"{", lambda b: b[::-1], None])
def test_truncated_replaced_and_missing_files_are_mended(array, name, change):
    fill(array)
    path = array.folder / name
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    found = array.read()
    assert found is None or np.array_equal(found, VALUES)
    fill(array)
    np.testing.assert_array_equal(array.read(), VALUES)


def test_damage_is_said_with_its_place(array, caplog):
    fill(array)
    flip(array.folder / "rows", 50)
    assert array.read() is None
    assert array.damaged() == [1]
    assert f"{array.folder}: 1 of 3 parts are damaged; they are made again" in caplog.text
    assert {record.name for record in caplog.records} == {"qbench.store.arrays"}


def test_the_parts_are_part_of_what_is_checked(array, tmp_path, caplog):
    """A folder that was moved to the place of another is not taken for it."""
    fill(array)
    other = Cache(tmp_path).sharded("things", {"of": "cubes"})
    other.folder.parent.mkdir(parents=True)
    array.folder.rename(other.folder)
    assert other.read() is None
    assert "is damaged" in caplog.text


def test_an_unchanged_file_is_hashed_once_in_a_process(array, monkeypatch):
    monkeypatch.setattr("qbench.store.digests.RECENT", 0)
    fill(array)
    array.read()
    read = []
    monkeypatch.setattr(shard_file, "damaged_shards_now", lambda *given: read.append(given) or frozenset())
    array.read()
    assert not read
    flip(array.folder / "rows", 0)
    array.read()
    assert read


def test_reading_marks_the_time_of_its_use(array):
    fill(array)
    os.utime(array.folder / "shards.jsonl", (1, 1))
    array.read()
    assert (array.folder / "shards.jsonl").stat().st_mtime > 1


def test_a_disk_without_enough_space_is_refused_before_anything_is_written(array, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 100}))
    with (
        pytest.raises(MachineError, match=r"112 B are needed on this disk, and 100 B are free(.|\n)*QBENCH_CACHE"),
        array.filling(COUNT, rows_per_shard=ROWS) as filling,
    ):
        filling.prepare((4,), np.float32)
    assert not list(array.folder.iterdir())


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite", "fsync"])
@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "the disk is full"), (errno.EIO, "reports a fault")])
def test_a_fault_of_the_disk_is_said_and_nothing_is_lost(array, tmp_path, monkeypatch, call, number, said):
    def fail(*given):
        raise OSError(number, "no")

    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        with pytest.raises(MachineError, match=said) as found:
            fill(array)
    assert (found.value.exit_code, str(tmp_path) in found.value.where) == (2, True)
    assert array.read() is None
    fill(array)
    np.testing.assert_array_equal(array.read(), VALUES)


CHILD = """
import os, signal, sys
from pathlib import Path
import numpy as np
from qbench.store.cache import Cache
array = Cache(Path(sys.argv[1])).sharded("things", {"of": "squares", "pair": (1, 2)})
values = (np.arange(28, dtype=np.float32) ** 2).reshape(7, 4)
with array.filling(7, rows_per_shard=3) as filling:
    for rows in filling.missing():
        if rows.start == 6:
            (array.folder / "shards.jsonl").open("ab").write(b'[2, "ab')  # in the middle of a line
            os.kill(os.getpid(), signal.SIGKILL)
        filling.write(rows, values[rows.start : rows.stop])
"""


def test_a_killed_process_loses_one_shard_and_leaves_no_lock(array, tmp_path, caplog):
    assert subprocess.run([sys.executable, "-c", CHILD, str(tmp_path)], check=False).returncode == -signal.SIGKILL
    assert fill(array) == [6]
    np.testing.assert_array_equal(array.read(), VALUES)
    assert not caplog.text


def test_a_limit_of_the_file_size_is_an_error_and_no_signal(array, tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 1
    assert "MachineError" in child.stderr
    assert "larger than this process may write" in child.stderr


def fill_with_others(array):
    """Fill what nobody else fills; the first rows of the shards that were written."""
    written = []
    with array.filling(COUNT, rows_per_shard=ROWS) as filling:
        for claimed in filling.rounds():
            for rows in claimed:
                filling.write(rows, VALUES[rows.start : rows.stop])
                written.append(rows.start)
    return written


def test_a_second_writer_writes_other_shards_and_waits_for_those_of_the_first(array, caplog):
    caplog.set_level(logging.WARNING)
    with ThreadPoolExecutor(1) as pool:
        with array.filling(COUNT, rows_per_shard=ROWS) as filling:
            claimed = next(filling.rounds())
            mine = next(claimed)
            second = pool.submit(fill_with_others, array)
            while "waiting for another" not in caplog.text:
                assert not second.done()
            assert list(claimed) == []  # the second has written them
            filling.write(mine, VALUES[mine.start : mine.stop])
        assert second.result(10) == [3, 6]
    np.testing.assert_array_equal(array.read(), VALUES)
    assert fill_with_others(array) == []


def test_a_shard_that_its_writer_gave_up_is_written_by_the_one_that_waits(array, caplog):
    caplog.set_level(logging.WARNING)
    with ThreadPoolExecutor(1) as pool:
        with array.filling(COUNT, rows_per_shard=ROWS) as filling:
            next(next(filling.rounds()))
            second = pool.submit(fill_with_others, array)
            while "waiting for another" not in caplog.text:
                assert not second.done()
        assert second.result(10) == [3, 6, 0]
    np.testing.assert_array_equal(array.read(), VALUES)


def test_what_another_process_has_finished_is_verified(array):
    with array.filling(COUNT, rows_per_shard=ROWS) as one, array.filling(COUNT, rows_per_shard=ROWS) as other:
        for number in (0, 1):
            one.write(range(number * ROWS, (number + 1) * ROWS), VALUES[number * ROWS : (number + 1) * ROWS])
        flip(array.folder / "rows", ROWS * 16 + 1)
        assert [list(claimed) for claimed in [next(other.rounds(lambda number: number == 0))]] == [[]]
        assert [other.is_sound(number) for number in range(3)] == [True, False, False]


def test_writers_read_only_what_was_added_to_the_list(array, monkeypatch):
    values, reads = np.arange(40, dtype=np.float32), []
    known = arrays.ShardedArray._known
    monkeypatch.setattr(arrays.ShardedArray, "_known", lambda self: reads.append(1) or known(self))
    with array.filling(40, rows_per_shard=1) as one, array.filling(40, rows_per_shard=1) as other:
        claims = [next(writer.rounds()) for writer in (one, other)]
        for turn in range(40):
            rows = next(claims[turn % 2])
            assert rows == range(turn, turn + 1)
            (one, other)[turn % 2].write(rows, values[rows.start : rows.stop])
            with (array.folder / "shards.jsonl").open("ab") as listed:
                listed.write(b" ")  # of a line that somebody is writing, as blanks before a line mean nothing
        assert [list(claimed) for claimed in claims] == [[], []]
    assert len(reads) < 10
    np.testing.assert_array_equal(array.read(), values)


def test_a_list_that_another_process_put_in_place_of_the_one_that_was_read_is_read(array):
    with array.filling(COUNT, rows_per_shard=ROWS) as one:
        one.write(range(3), VALUES[:3])
        listed = array.folder / "shards.jsonl"
        listed.rename(array.folder / "old")
        listed.write_bytes((array.folder / "old").read_bytes().splitlines(keepends=True)[0])
        assert next(next(one.rounds())) == range(3, 6)
        assert [rows.start for rows in one.missing()] == [0, 3, 6]


def test_a_part_of_the_shards_can_be_wanted(array):
    with array.filling(COUNT, rows_per_shard=ROWS) as filling:
        for claimed in filling.rounds(lambda number: number == 1):
            for rows in claimed:
                filling.write(rows, VALUES[rows.start : rows.stop])
    assert (array.rows_done(), array.complete) == (ROWS, False)
    assert fill_with_others(array) == [0, 6]
    np.testing.assert_array_equal(array.read(), VALUES)


CLAIMED = """
import sys
from pathlib import Path
from qbench.store.cache import Cache
array = Cache(Path(sys.argv[1])).sharded("things", {"of": "squares", "pair": (1, 2)})
with array.filling(7, rows_per_shard=3) as filling:
    for claimed in filling.rounds():
        next(claimed), next(claimed)
        print("claimed", flush=True); input()
"""


def test_the_shards_of_a_process_that_is_killed_are_written_by_another(array, tmp_path, caplog):
    with (
        subprocess.Popen(
            [sys.executable, "-c", CLAIMED, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        assert other.stdout.readline() == "claimed\n"
        second = pool.submit(fill_with_others, array)
        while "waiting for another" not in caplog.text:
            assert not second.done()
        other.kill()
        assert second.result(10) == [6, 0, 3]
    np.testing.assert_array_equal(array.read(), VALUES)


@pytest.mark.parametrize("damage", [lambda path: flip(path / "rows", 50), lambda path: flip(path / "shards.jsonl", -9)])
def test_writers_at_the_same_time_agree_on_what_was_damaged(array, damage):
    fill(array)
    damage(array.folder)
    with array.filling(COUNT, rows_per_shard=ROWS) as one, array.filling(COUNT, rows_per_shard=ROWS) as other:
        assert one.missing() == other.missing() != []
        (rows,) = next(one.rounds())
        assert list(next(other.rounds())) == []
        one.write(rows, VALUES[rows.start : rows.stop])
        assert [list(claimed) for claimed in other.rounds()] == [[]]
    np.testing.assert_array_equal(array.read(), VALUES)


def test_a_file_system_without_locks_is_said(array, monkeypatch):
    def refused(*given):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("qbench.store.flock._lock_place", refused)
    with pytest.raises(MachineError, match="files on this disk cannot be locked"):
        fill_with_others(array)


def test_a_cache_that_cannot_be_written_can_be_read(array, monkeypatch):
    fill(array)

    def refused(*given, **named):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "utime", refused)
    np.testing.assert_array_equal(array.read(), VALUES)
