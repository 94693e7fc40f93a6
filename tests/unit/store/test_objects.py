"""Objects of a store: creation, claims, versions, and what a store must be able to do."""

import json
import os
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from qbench.errors import InputError, MachineError
from qbench.runfolder.exchange import RunExchange, fetched_anew, place, planned_folder, run_folder, to_conclude
from qbench.store.arrays import ShardedArray
from qbench.store.cache import Cache, cache_folder
from qbench.store.files import atomic
from qbench.store.keys import key_of
from qbench.store.objects import claims as claims_
from qbench.store.objects.address import address_of
from qbench.store.objects.claims import ObjectClaims, Others, Owner
from qbench.store.objects.shards import ObjectArrays
from qbench.store.objects.store import ObjectStore, opened, opened_to_read
from qbench.store.objects.versions import VersionedFolder


@pytest.fixture
def address():
    return f"memory://{uuid4().hex}"


@pytest.fixture
def store(address):
    return ObjectStore.of(address)


def test_an_object_is_created_once(store):
    assert store.create_once("folder/a", b"1")
    assert not store.create_once("folder/a", b"1")
    assert store.create("folder/a", b"1"), "the answer to an earlier request may have been lost"
    assert not store.create("folder/a", b"2")
    assert (store.get("folder/a"), store.get("folder/b")) == (b"1", None)
    assert (store.names("folder"), store.names(""), store.names("nothing")) == (["a"], ["folder/a"], [])
    store.delete("folder/a")
    store.delete("folder/a")
    assert store.names("folder") == []
    assert store.spent.startswith(f"{store.address}: 4 create, 2 delete, ")


class Careless(MemoryFileSystem):
    """Has no conditional writes, and does not say so."""

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        super().pipe_file(path, value)


class Unhelpful(MemoryFileSystem):
    """Refuses everything."""

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        raise PermissionError("Access Denied")


def test_a_store_without_conditional_writes_is_refused(monkeypatch, address, tmp_path):
    monkeypatch.setattr("qbench.store.objects.store._files", lambda address: (Careless(), "/careless"))
    with pytest.raises(MachineError, match=r"it has no conditional writes") as refused:
        opened(address, "run")
    assert refused.value.exit_code == 2
    monkeypatch.undo()
    with pytest.raises(MachineError, match=r"it has no conditional writes"):
        opened(f"file://{tmp_path}/store", "run")
    assert not list(tmp_path.rglob("*")), "it is refused before anything is written"


def test_a_store_that_refuses_everything(monkeypatch, address):
    monkeypatch.setattr("qbench.store.objects.store._files", lambda address: (Unhelpful(), "/unhelpful"))
    with pytest.raises(MachineError, match=r"about\.json: the store refuses this \(Access Denied\)\nCheck the cred"):
        opened(address, "run")


class Answer(Exception):
    """An answer of S3 with an error, as botocore raises it."""

    def __init__(self, status, code):
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.mark.parametrize(
    ("answers", "created"),
    [
        ([Answer(409, "ConditionalRequestConflict")] * 2, True),
        ([Answer(409, "ConditionalRequestConflict"), Answer(412, "PreconditionFailed")], False),
    ],
)
def test_answers_of_s3_to_a_conditional_write(store, monkeypatch, answers, created):
    monkeypatch.setattr("qbench.store.objects.store.PAUSE", 0.0)
    left = list(answers)

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        if left:
            raise OSError(22, "as s3fs says it") from left.pop(0)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", pipe_file)
    assert store.create_once("a", b"1") == created
    assert not left


def test_a_conflict_that_does_not_end_is_said(store, monkeypatch):
    monkeypatch.setattr("qbench.store.objects.store.PAUSE", 0.0)

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        raise OSError(5, "a conflicting operation") from Answer(409, "ConditionalRequestConflict")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", pipe_file)
    with pytest.raises(MachineError, match=r"the store does not answer .*a conflicting operation"):
        store.create_once("a", b"1")


def test_what_is_no_store_of_qbench(address, store):
    with pytest.raises(InputError, match="this store has no run of qbench"):
        opened_to_read(address, "run")
    opened(address, "cache")
    with pytest.raises(InputError, match="this is the address of a cache, not of a run"):
        opened(address, "run")
    store.put("about.json", json.dumps({"format": 2, "for": "cache"}).encode())
    with pytest.raises(InputError, match="it was written by a newer qbench"):
        opened_to_read(address, "cache")
    store.put("about.json", b"{")
    with pytest.raises(InputError, match="the object is damaged"):
        opened_to_read(address, "cache")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nothing://a/b", "is not a kind of store"),
        ("sftp://a/b", "a package for such stores is missing"),
        ("memory://a::b", "this is not the address of an object store"),
        ("memory://a?versionId=1", "this is not the address of an object store"),
        (address_of("S3://"), "s3://: this is not the address of an object store"),
        (address_of("file:///a"), "it has no conditional writes"),
    ],
)
def test_stores_that_nothing_can_open(address, said):
    with pytest.raises((InputError, MachineError), match=said):
        opened(address, "run")


def test_addresses_where_a_folder_has_to_be(monkeypatch):
    monkeypatch.setenv("QBENCH_CACHE", "s3://bucket/cache")
    with pytest.raises(InputError, match="QBENCH_CACHE_STORE"):
        cache_folder()
    with pytest.raises(InputError, match=r"^s3://bucket/b\.zip is an object store"), atomic(Path("s3://bucket/b.zip")):
        pass
    monkeypatch.setenv("QBENCH_CACHE", "/folder")
    monkeypatch.setenv("QBENCH_CACHE_STORE", "folder")
    with pytest.raises(InputError, match="'folder' is not the address of an object store"):
        Cache()


# --- claims


@pytest.fixture
def people(store):
    """Two processes with claims on the parts of one thing."""
    owners = Owner(store), Owner(store)
    yield owners, [ObjectClaims(store, "thing", owner, Others(store)) for owner in owners]
    for owner in owners:
        owner.end()


def never() -> bool:
    return False


def test_a_part_is_claimed_once_and_free_when_its_owner_ends(people):
    owners, (first, second) = people
    assert first.take(3, never)
    assert first.take(3, never)
    assert not second.take(3, never)
    assert second.take(4, never)
    owners[0].end()
    assert not second.take(3, lambda: True), "it was finished"
    assert second.take(3, never)


def test_an_owner_without_signs_of_life_has_ended(people, monkeypatch):
    (owner, _), (first, second) = people
    monkeypatch.setattr(claims_, "BEAT", 1000.0)
    assert first.take(0, never)
    assert not second.take(0, never)
    monkeypatch.setattr(claims_, "ENDED", 0.0)
    owner._beat(1)
    assert not second.take(0, never), "it has just given one"
    assert second.take(0, never)


def test_a_process_of_this_machine_that_is_gone_is_not_waited_for(store, people):
    _, (first, second) = people
    assert first.take(0, never)
    (name,) = store.names("owners")
    said = json.loads(store.get(f"owners/{name}"))
    gone = os.fork()
    if not gone:
        os._exit(0)
    os.waitpid(gone, 0)
    store.put(f"owners/{name}", json.dumps({**said, "process": gone, "processes": "of another"}).encode())
    assert not second.take(0, never), "a process of another machine may have this number"
    store.put(f"owners/{name}", json.dumps({**said, "process": gone}).encode())
    assert second.take(0, never)


def test_who_waits_sees_that_a_part_is_finished_or_free(people, monkeypatch):
    monkeypatch.setattr(claims_, "POLL", 0.01)
    (owner, _), (first, second) = people
    assert first.take(0, never)
    looks = iter([False, False, True])
    second.wait(0, lambda: next(looks), lambda: None)
    assert next(looks, None) is None
    first.wait(0, never, lambda: None)  # its own part
    owner.end()
    second.wait(0, never, lambda: None)


def test_waiting_is_ended_by_what_idle_raises(people):
    _, (first, second) = people
    assert first.take(0, never)

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        second.wait(0, never, stop)


# --- arrays


def test_a_shard_that_another_machine_finishes_meanwhile_is_fetched(store, tmp_path, monkeypatch):
    monkeypatch.setattr(claims_, "POLL", 0.01)
    arrays = [ObjectArrays(store).array("squares") for _ in range(2)]
    here, there = (
        ShardedArray(tmp_path / name / "a", {"of": "squares"}, tmp_path / name / "lock", array)
        for name, array in zip("ab", arrays, strict=True)
    )

    def write(filling, rows):
        filling.write(rows, np.arange(rows.start, rows.stop, dtype=np.float32) ** 2)

    with there.filling(5, rows_per_shard=2) as other, here.filling(5, rows_per_shard=2) as filling:
        of_other = next(other.rounds())
        claimed, written = next(of_other), []

        def idle():
            if claimed not in other_written:
                write(other, claimed)
                other_written.append(claimed)

        other_written = []
        for claims in filling.rounds(idle=idle):
            for rows in claims:
                write(filling, rows)
                written.append(rows)
    assert (written, other_written) == ([range(2, 4), range(4, 5)], [range(2)])
    assert here.read().tolist() == [0, 1, 4, 9, 16] == there.read().tolist()


# --- versions of parts


def test_the_second_who_writes_a_version_is_refused_and_a_damaged_one_counts_as_absent(store, caplog):
    folder = VersionedFolder(store)
    assert folder.create("a/b", 1, {"a/b/file": b"1"})
    assert folder.create("a/b", 2, {"a/b/file": b"2"})
    assert not VersionedFolder(store).create("a/b", 2, {"a/b/file": b"3"})
    latest = VersionedFolder(store).latest()["a/b"]
    assert (latest.number, folder.content(latest.files["a/b/file"])) == (2, b"2")
    store.put("versions/a/b/00000002", b"damaged")
    latest = VersionedFolder(store).latest()["a/b"]
    assert (latest.number, folder.content(latest.files["a/b/file"])) == (2, b"1")
    store.delete("versions/a/b/00000001")
    assert VersionedFolder(store).latest()["a/b"].files == {}
    assert "versions/a/b/00000002: the object is missing or damaged" in caplog.text


@pytest.mark.parametrize("name", ["../outside", "/outside", "report.html/../../outside", "run.json", ".lock"])
def test_a_version_that_names_files_of_other_places_writes_none(store, tmp_path, name):
    said = {"part": "report.html", "files": {name: key_of({})}}
    store.put("versions/report.html/00000001", json.dumps({**said, "sha256": key_of(said)}).encode())
    store.put("versions/cells/../../victim/00000001", b"damaged: so there is no file in it, and it is removed")
    folder = tmp_path / "copy"
    (folder / "cells").mkdir(parents=True)
    (tmp_path / "victim").write_text("here")
    RunExchange(VersionedFolder(store), folder).pull()
    assert {path.name for path in tmp_path.rglob("*")} == {"copy", "cells", "victim"}


def test_a_small_value_that_is_damaged_in_the_store_is_said_and_put_again(address, tmp_path, caplog):
    here, there = (Cache(tmp_path / name, address).memo("variants", {"a": 1}, exchanged=True) for name in "ab")
    here.write({"value": 2})
    (name,) = ObjectStore.of(address).names("variants")
    ObjectStore.of(address).put(f"variants/{name}", b"damaged")
    assert there.read() is None
    assert f"{address}/variants/{name}: the object is damaged; it is made again" in caplog.text
    there.write({"value": 2})
    assert Cache(tmp_path / "c", address).memo("variants", {"a": 1}, exchanged=True).read() == {"value": 2}


def test_one_process_at_a_time_uses_a_working_copy(address, monkeypatch, tmp_path):
    """Another one would remove the analysis that is not in the store yet."""
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="this store has no run of qbench"), to_conclude(address):
        pass
    assert ObjectStore.of(address).names("") == []
    with place(address, "run") as (_, exchange), place(address, "shard-1-of-2"):
        for use in (place(address, "run"), place(address, "shard-1-of-2")):
            with pytest.raises(InputError, match="another qbench process is using this folder"), use:
                pass
        (exchange.folder / "analysis").mkdir(parents=True)
        (exchange.folder / "analysis" / "a").write_text("first")
        ObjectStore.of(address).put("versions/cells/of-another-version/00000001", b"is no part of this one")
        assert exchange.conclude()
    with to_conclude(address) as (folder, _):
        (folder / "analysis" / "a").write_text("not put yet")
        with fetched_anew(address) as whole:
            assert (whole / "analysis" / "a").read_text() == "first"
        assert (run_folder(address) / "analysis" / "a").read_text() == "first"
        with pytest.raises(InputError, match="another qbench process"), to_conclude(address):
            pass
        assert (folder / "analysis" / "a").read_text() == "not put yet"
    (file,) = ObjectStore.of(address).names("files")
    ObjectStore.of(address).put(f"files/{file}", b"damaged")
    assert (run_folder(address) / "analysis" / "a").exists(), "this copy has it"
    with fetched_anew(address) as whole:
        assert not (whole / "analysis" / "a").exists()
    with fetched_anew(tmp_path) as whole, to_conclude(tmp_path) as named:
        assert (whole, *named) == (tmp_path, tmp_path, None)


def test_folders_that_are_named(address, monkeypatch, tmp_path):
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path))
    assert (run_folder("here"), planned_folder("here")) == (Path("here"), Path("here"))
    with pytest.raises(InputError, match="this store has no run of qbench"):
        run_folder(address)
    assert not planned_folder(address).exists()
    opened(address, "run")
    assert run_folder(Path(address)).is_relative_to(tmp_path)
