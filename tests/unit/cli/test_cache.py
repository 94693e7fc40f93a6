"""``qbench cache``: lists, checks and removes; says what it does, and asks before it removes."""

import json
import os

import numpy as np
import pytest
from typer.testing import CliRunner

from qbench.cli import app
from qbench.errors import InputError
from qbench.store.cache import Cache
from qbench.store.lock import in_use


def store(cache, values):
    with cache.sharded("images", {"a": 1}).filling(len(values), rows_per_shard=len(values)) as filling:
        filling.write(range(len(values)), values)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path))
    cache = Cache()
    store(cache, np.zeros(1000))
    cache.memo("speeds", {"a": 1}).write({"seconds": 1})
    os.utime(cache.sharded("images", {"a": 1}).folder / "shards.jsonl", (1, 1))
    return cache


def qbench(*arguments, code=0, answer=""):
    done = CliRunner().invoke(app, ["cache", *arguments], input=answer)
    if isinstance(done.exception, InputError):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def test_the_kinds_are_listed_with_sizes(cache):
    lines = [line.split() for line in qbench("ls").splitlines()]
    assert lines[0] == [str(cache.root)]
    assert ["images", "complete", "1", "8", "KiB", "1970-01-01", "00:00"] in lines
    assert lines[-1][:2] == ["all", "2"]


def test_the_things_of_a_kind_are_listed(cache):
    found = json.loads(qbench("ls", "images", "--json"))
    folder = cache.sharded("images", {"a": 1}).folder
    (thing,) = found["things"]
    assert thing["path"] == str(folder)
    assert (thing["state"], thing["used"], found["unknown"]) == ("complete", "1970-01-01T00:00:01Z", [])
    assert folder.parent.name in qbench("ls", "images")
    with pytest.raises(InputError, match=r"'pixels' in the cache\nKinds: images, speeds\."):
        qbench("ls", "pixels")


def test_damage_is_found(cache):
    assert "2 things were read; 0 are damaged." in qbench("verify")
    rows = cache.sharded("images", {"a": 1}).folder / "rows"
    rows.write_bytes(b"x" + rows.read_bytes()[1:])
    said = qbench("verify", code=1)
    assert f"{rows.parent}: 1 of its parts are damaged" in said
    assert "2 things were read; 1 is damaged. What is damaged counts as absent, and is made again" in said
    (found,) = json.loads(qbench("verify", "--json", code=1))["damaged"]
    assert found["fault"] == "1 of its parts are damaged"
    assert "0 are damaged" in qbench("verify", "speeds")


def test_it_asks_before_it_removes(cache):
    assert "images" in qbench("prune", "--older-than", "30d", code=1, answer="n\n")
    assert cache.sharded("images", {"a": 1}).complete
    assert "1 thing removed" in qbench("prune", "--older-than", "30d", answer="y\n")
    assert not cache.sharded("images", {"a": 1}).complete
    assert cache.memo("speeds", {"a": 1}).read() == {"seconds": 1}
    removed = json.loads(qbench("prune", "--max-size", "0K", "--yes", "--json"))["removed"]
    assert [thing["kind"] for thing in removed] == ["speeds"]
    assert "0 things removed" in qbench("prune")


@pytest.mark.parametrize(("option", "text"), [("--max-size", "20"), ("--max-size", "-1G"), ("--older-than", "30 days")])
def test_amounts_that_cannot_be_read_are_refused(cache, option, text):
    with pytest.raises(InputError, match=rf"{option}: '{text}' is not a number with a unit\nExamples: "):
        qbench("prune", option, text)


@pytest.mark.parametrize("text", ["1G", "1GB", "1GiB", "1g", "1024M", "0.001T"])
def test_units_of_sizes(cache, text):
    qbench("prune", "--max-size", text, "--yes")
    assert cache.sharded("images", {"a": 1}).complete


def test_nothing_is_removed_below_a_run(cache):
    with in_use(cache.in_use), pytest.raises(InputError, match="a run is using this folder"):
        qbench("prune", "--max-size", "0K", "--yes")
