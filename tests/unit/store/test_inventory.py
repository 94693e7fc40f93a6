"""What is in the cache is found by its names; what is removed is ours, unused and not being written; links are left."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qbench.errors import InputError
from qbench.store.cache import Cache
from qbench.store.files import atomic
from qbench.store.folders import StoredFolder
from qbench.store.inventory import State, fault, inventory, remove, remove_leftovers, to_prune
from qbench.store.lock import alone, held, in_use

NOW = 1_000_000.0


def things(cache):
    return inventory(cache).things


def store(cache, values):
    with cache.sharded("images", {"a": 1}).filling(len(values), rows_per_shard=len(values)) as filling:
        filling.write(range(len(values)), values)


@pytest.fixture
def cache(tmp_path):
    """One thing of each sort; the array was used last, the dataset never for a long time."""
    cache = Cache(tmp_path / "cache")
    store(cache, np.arange(100, dtype=np.float64))
    cache.memo("speeds", {"a": 2}).write({"seconds": 1})
    converted = {"fingerprint": "x"}
    StoredFolder(cache, cache.path("converted", converted, ""), converted).get(
        lambda f: (f / "w").write_bytes(b"w" * 9)
    )
    StoredFolder(cache, cache.root / "datasets" / "drawn-1.0", {"dataset": "drawn-1.0"}).get(
        lambda f: (f / "a.txt").write_text("a")
    )
    ages = {"images": 10, "speeds": 20, "converted": 30, "datasets": 40}
    for thing in things(cache):
        os.utime(thing.files[0], (NOW - ages[thing.kind],) * 2)
    return cache


def test_everything_that_is_written_is_known(cache):
    found = inventory(cache)
    assert not found.unknown
    assert {(x.kind, x.state) for x in found.things} == {
        (kind, State.COMPLETE) for kind in ("images", "speeds", "converted", "datasets")
    }
    sizes = {x.kind: x.size - x.files[0].stat().st_size for x in found.things}
    assert sizes == {"images": 800, "speeds": 0, "converted": 9, "datasets": 1}


def test_a_file_that_another_process_removes_meanwhile_has_no_size(cache, monkeypatch):
    lstat = Path.lstat

    def vanished(path):
        if path.suffix == ".memo" and "speeds" in path.parts:
            raise FileNotFoundError(errno.ENOENT, "gone", str(path))
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", vanished)
    assert {thing.kind: thing.size for thing in things(cache)}["speeds"] == 0


def test_a_cache_that_does_not_exist_is_empty(tmp_path):
    assert inventory(Cache(tmp_path / "none")) == inventory(Cache(tmp_path / "neither"))
    assert not (tmp_path / "none").exists()


def test_an_array_with_missing_rows_is_unfinished(cache):
    array = cache.sharded("images", {"b": 1})
    with array.filling(4, rows_per_shard=2) as filling:
        filling.write(range(2), np.zeros(2))
    (found,) = (x for x in things(cache) if x.path == array.folder)
    assert (found.state, fault(cache, found)) == (State.UNFINISHED, "")
    found.files[0].unlink()
    (found,) = (x for x in things(cache) if x.path == array.folder)
    assert (found.state, fault(cache, found)) == (State.UNFINISHED, "")


def test_whole_things_have_no_fault(cache):
    assert [fault(cache, thing) for thing in things(cache)] == [""] * 4


@pytest.mark.parametrize("kind", ["images", "speeds", "converted", "datasets"])
def test_every_damaged_file_is_a_fault(cache, kind):
    (thing,) = (x for x in things(cache) if x.kind == kind)
    files = [file for top in thing.files for file in (top.rglob("*") if top.is_dir() else [top])]
    for file in files:
        whole = file.read_bytes()
        for change in (whole[:-1], b"", bytes([whole[0] ^ 1]) + whole[1:]):
            file.write_bytes(change)
            (now,) = (x for x in things(cache) if x.kind == kind)
            assert fault(cache, now) or now.state is State.UNFINISHED, (file, change)
        file.write_bytes(whole)
    assert not fault(cache, thing)


def test_a_thing_in_the_place_of_another_is_a_fault(cache):
    (thing,) = (x for x in things(cache) if x.kind == "speeds")
    moved = thing.path.with_name("0" * 62 + ".memo")
    thing.path.rename(moved)
    (found,) = (x for x in things(cache) if x.kind == "speeds")
    assert fault(cache, found) == "it is in the place of another"


@pytest.mark.parametrize(
    ("limits", "kinds"),
    [
        ({}, []),
        ({"older_than": 25}, ["datasets", "converted"]),
        ({"max_size": 10**9}, []),
        ({"max_size": 0}, ["datasets", "converted", "speeds", "images"]),
        ({"max_size": 1500}, ["datasets"]),
        ({"max_size": 1500, "older_than": 15}, ["datasets", "converted", "speeds"]),
    ],
)
def test_what_was_not_used_for_longest_goes_first(cache, limits, kinds):
    assert [thing.kind for thing in to_prune(things(cache), now=NOW, **limits)] == kinds


def test_reading_counts_as_use(cache):
    cache.sharded("images", {"a": 1}).read()
    cache.memo("speeds", {"a": 2}).read()
    StoredFolder(cache, cache.root / "datasets" / "drawn-1.0", {"dataset": "drawn-1.0"}).find()
    used = {thing.kind for thing in things(cache) if thing.used > NOW}
    assert used >= {"images", "speeds", "datasets"}
    assert "converted" not in used


def test_removing_everything_leaves_only_locks(cache):
    assert all(map(remove, things(cache)))
    assert [path.name for path in cache.root.iterdir()] == ["locks"]


def test_what_is_not_known_is_listed_and_left(cache, tmp_path):
    mine = cache.root / "notes.txt"
    mine.write_text("mine")
    (cache.root / "images" / "ab" / "x").mkdir(parents=True)
    array = cache.sharded("images", {"a": 1}).folder
    (array / "notes.txt").write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    links = [
        cache.root / "pixels",
        cache.root / "images" / "ab" / f"{'c' * 62}.array",
        cache.root / "datasets" / "mine",
    ]
    for link in links:
        link.symlink_to(elsewhere)
    assert set(inventory(cache).unknown) == {mine, cache.root / "images" / "ab" / "x", *links}
    for thing in things(cache):
        remove(thing)
    assert (elsewhere / "precious").exists()
    assert all(link.is_symlink() for link in links)
    assert (array / "notes.txt").exists()
    assert mine.exists()


def test_links_inside_of_a_thing_are_not_followed(cache, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_bytes(bytes(10_000))
    (thing,) = (x for x in things(cache) if x.kind == "datasets")
    (thing.path / "link").symlink_to(elsewhere)
    (again,) = (x for x in things(cache) if x.kind == "datasets")
    assert again.size < 10_000
    assert remove(again)
    assert (elsewhere / "precious").exists()


def test_what_others_left_is_removed_first(cache):
    """Temporary files and folders of processes that were killed, and what earlier versions of qbench wrote."""
    key, folder = "a" * 62, cache.root / "pixels" / "12"
    folder.mkdir(parents=True)
    left = [folder / f".{key}.memo.x1.part", cache.root / "datasets" / ".drawn-1.0.part", folder / ".writing-abc"]
    left += [cache.root / "datasets" / ".making-abc", cache.root / "models" / ".saving.part"]
    old = [folder / f"{key}.npy", folder / f"{key}.json", cache.root / "datasets" / "drawn-0.1"]
    for path in (*left, *old):
        if path.suffix in (".npy", ".json") or ".memo" in path.name:
            path.write_bytes(b"x")
        else:
            path.mkdir(parents=True)
            (path / ".qbench-dataset").touch()
    found = {thing.path: thing for thing in things(cache)}
    assert {path for path, thing in found.items() if thing.state is State.LEFTOVER} == set(left)
    assert {path for path, thing in found.items() if thing.state is State.OLD} == set(old)
    chosen = to_prune(list(found.values()), now=NOW)
    assert {thing.path for thing in chosen} == {*left, *old}
    assert all(map(remove, chosen))
    assert not any(map(os.path.lexists, (*left, *old)))
    assert len(things(cache)) == 4


def test_temporary_files_are_removed_wherever_they_are_and_nothing_else(cache, tmp_path):
    """Unless somebody writes them, or they are links, or of an earlier version, which holds no lock."""
    key, speeds = "a" * 62, cache.root / "speeds" / "12"
    speeds.mkdir(parents=True)
    array = cache.sharded("images", {"a": 1}).folder
    files = [speeds / f".{key}.memo.x1.part", array / ".shards.jsonl.x2.part"]
    folders = [cache.root / "converted" / "12" / f".{key}.part", cache.root / "models" / ".saving.part"]
    for path in files:
        path.write_bytes(b"x")
    for path in folders:
        (path / "inner").mkdir(parents=True)
    old, link = speeds / ".writing-abc", speeds / f".{key}.memo.x3.part"
    old.write_bytes(b"x")
    precious = tmp_path / "precious"
    precious.write_bytes(b"x")
    link.symlink_to(precious)
    with atomic(speeds / f"{key}.memo") as writing, held(cache.lock(folders[0].with_name(key)), of=folders[0]):
        remove_leftovers(cache)
        assert writing.exists()
        assert [path.exists() for path in folders] == [True, False]
    assert not any(path.exists() for path in files)
    remove_leftovers(cache)
    assert not folders[0].exists()
    assert all(map(os.path.lexists, (old, link, precious)))
    assert len([x for x in things(cache) if x.state is State.COMPLETE]) == 5


def test_what_may_not_be_removed_stays(cache, monkeypatch):
    left = [cache.root / kind / ".x.part" for kind in ("datasets", "models")]
    for path in left:
        path.mkdir(parents=True)

    def refused(path):
        raise PermissionError(errno.EACCES, "no", str(path))

    monkeypatch.setattr("qbench.store.inventory.remove_tree", refused)
    remove_leftovers(cache)
    assert all(path.exists() for path in left)


HOLD = """
import sys
from pathlib import Path
import numpy as np
from qbench.store.cache import Cache
cache = Cache(Path(sys.argv[1]))
with cache.sharded("images", {"a": 1}).filling(100, rows_per_shard=100):
    print("held", flush=True); input()
"""


def test_what_is_being_written_is_left(cache):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(cache.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        (thing,) = (x for x in things(cache) if x.kind == "images")
        assert not remove(thing)
        assert thing.path.exists()
        other.communicate("\n")
    assert remove(thing)


def test_nothing_is_removed_below_a_run(cache):
    with in_use(cache.in_use):
        with in_use(cache.in_use):
            pass
        with pytest.raises(InputError, match="a run is using this folder"), alone(cache.in_use, of=cache.root):
            pass
    with alone(cache.in_use, of=cache.root):
        pass
