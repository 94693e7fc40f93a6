"""Answers are kept part by part while they are computed: a stopped run loses one part at most, and no bit changes."""

import numpy as np
import pytest

from qbench.execution.run import execute
from qbench.store.cache import Cache
from tests.unit.execution.conftest import Encoder


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Three parts of 12 images, of 5, 5 and 2: a batch has 5."""
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 5)


@pytest.fixture
def stopped(monkeypatch):
    """Have the user press Ctrl-C in the n-th batch of images."""

    def at(number):
        left, encode = [number], Encoder.encode_images

        def stops(self, pixels):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return encode(self, pixels)

        monkeypatch.setattr(Encoder, "encode_images", stops)

    return at


def images(log):
    return [entry[1] for entry in log if entry[0] == "images"]


@pytest.mark.parametrize("noise", [0, 1])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_stopped_run_computes_only_what_is_missing(spec, registry, tmp_path, log, stopped, noise, at):
    wanted = spec(quantizers=["base"], noise=noise)
    execute(wanted, tmp_path / "whole", registry=registry, cache=Cache(tmp_path / "one"))
    every = images(log)
    log.clear()
    other = Cache(tmp_path / "other")
    stopped(at)
    with pytest.raises(KeyboardInterrupt):
        execute(wanted, tmp_path / "run", registry=registry, cache=other)
    assert images(log) == every[: at - 1]
    log.clear()
    summary = execute(wanted, tmp_path / "run", registry=registry, cache=other)
    assert (summary.done, images(log)) == (1, every[at - 1 :])
    for stored in (tmp_path / "one").glob("images/**/rows"):
        again = tmp_path / "other" / stored.relative_to(tmp_path / "one")
        assert again.read_bytes() == stored.read_bytes()


def test_what_fails_late_keeps_what_came_before(spec, registry, cache, tmp_path, log, monkeypatch):
    encode = Encoder.encode_images

    def overflows(self, pixels):
        return encode(self, pixels) * (np.inf if len(pixels) == 2 else 1)

    monkeypatch.setattr(Encoder, "encode_images", overflows)
    wanted = spec(quantizers=["base"])
    assert execute(wanted, tmp_path / "run", registry=registry, cache=cache).failed == 1
    monkeypatch.setattr(Encoder, "encode_images", encode)
    log.clear()
    assert execute(wanted, tmp_path / "run", registry=registry, cache=cache).failed == 0
    assert images(log) == [2]
