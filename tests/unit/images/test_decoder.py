"""Images are read while others are still decoded: each reader waits for what it reads and for nothing else."""

import threading
import time

import numpy as np
import pytest
from PIL import Image

from qbench.errors import DataError
from qbench.images.decoder import Decoder
from qbench.images.decoding import decode_image
from qbench.images.digests import image_digests
from qbench.images.locations import ImageLocation
from qbench.images.pixel_store import FOLDER, store_parts
from qbench.images.pixels import Pixels
from qbench.images.preprocessing import Geometry
from qbench.images.sources.files import FolderSource
from qbench.images.workers import Stop, Stopped, worked_on
from qbench.store.cache import Cache
from tests.unit.images.test_workers import Does

GEOMETRY = Geometry(size=8)


@pytest.fixture(autouse=True)
def shards_of_eight(monkeypatch):
    monkeypatch.setattr("qbench.store.arrays.SHARD_ROWS", 8)


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def images(tmp_path) -> list[ImageLocation]:
    """Twenty images: two shards of eight, and one of four."""
    rng, root = np.random.default_rng(0), tmp_path / "data"
    root.mkdir()
    for i in range(20):
        Image.fromarray(rng.integers(0, 256, (10, 12, 3), dtype=np.uint8)).save(root / f"{i:02d}.png")
    return [ImageLocation(FolderSource(root), f"{i:02d}.png") for i in range(20)]


class Gate:
    """Stops the decoding thread after some images, until it is opened."""

    def __init__(self, after):
        self.left, self.opened = after, threading.Event()

    def __call__(self, n):
        self.left -= n
        if self.left == 0:
            assert self.opened.wait(60)


@pytest.fixture
def decoding(cache, images):
    """A function that begins to decode the images, and ends that after the test."""
    made = []

    def begin(step=lambda n: None, key="k", of=images):
        made.append(Decoder(cache, workers=1, step=step))
        return made[-1], (of, key, GEOMETRY, image_digests(cache, of))

    yield begin
    for decoder in made:
        decoder.close()


def test_a_shard_is_read_while_the_next_one_is_decoded(decoding, images):
    gate = Gate(after=9)
    decoder, wanted = decoding(gate)
    pixels = decoder.pixels(*wanted)
    np.testing.assert_array_equal(pixels[:8], [decode_image(image, GEOMETRY) for image in images[:8]])
    assert not gate.opened.is_set()
    read = []
    reader = threading.Thread(target=lambda: read.append(pixels[[3, 19]]))
    reader.start()
    reader.join(0.05)
    assert reader.is_alive(), "an image that is not decoded was not waited for"
    gate.opened.set()
    reader.join(60)
    np.testing.assert_array_equal(read[0], [decode_image(images[i], GEOMETRY) for i in (3, 19)])
    assert decoder.waited > 0.04


def test_image_sets_are_decoded_in_the_order_in_which_they_are_asked_for_each_once(decoding, images, cache):
    steps = []
    decoder, wanted = decoding(steps.append)
    first, second = decoder.pixels(*wanted), decoder.pixels(images[:3], "other", GEOMETRY, wanted[3][:3])
    assert decoder.pixels(*wanted) is first
    assert second[2].shape == (8, 8, 3)
    decoder.decode(images[:3], "other", GEOMETRY, wanted[3][:3])  # an image is stored before its progress is reported
    assert sum(steps) == 23
    assert cache.sharded(FOLDER, store_parts("k", GEOMETRY)).complete
    decoder.decode(*wanted)
    np.testing.assert_array_equal(decoder.pixels(*wanted)[:], first[:])
    assert sum(steps) == 23


def test_a_damaged_image_fails_its_shard_after_all_others_are_decoded(decoding, images, tmp_path):
    (tmp_path / "data" / "09.png").write_bytes(b"")
    (tmp_path / "data" / "18.png").write_bytes(b"<html>")
    decoder, wanted = decoding()
    pixels = decoder.pixels(*wanted)
    assert pixels[:8].shape == (8, 8, 8, 3)
    for read in (lambda: pixels[10], lambda: pixels[[0, 19]], lambda: decoder.decode(*wanted)):
        with pytest.raises(DataError, match=r"2 images cannot be used:\n.*09\.png.*\n.*18\.png"):
            read()
    assert decoder.pixels(*wanted) is pixels, "it was tried again"


def test_closing_stops_decoding_and_keeps_what_is_finished(decoding, cache, images, monkeypatch):
    gate = Gate(after=9)
    decoder, wanted = decoding(gate)
    assert len(decoder.pixels(*wanted)[:8]) == 8
    stopped = threading.Event()
    monkeypatch.setattr(decoder._stop, "set", lambda stop=decoder._stop.set: (stop(), stopped.set()))
    closing = threading.Thread(target=decoder.close)
    closing.start()
    assert stopped.wait(60), "decoding would go on, and may finish the second shard"
    gate.opened.set()
    closing.join(60)
    assert not closing.is_alive()
    assert cache.sharded(FOLDER, store_parts("k", GEOMETRY)).rows_done() == 8
    again, wanted = decoding()
    np.testing.assert_array_equal(again.pixels(*wanted)[:], [decode_image(image, GEOMETRY) for image in images])


def test_decoding_is_stopped_while_a_process_works():
    stop, begun = Stop(), time.monotonic()
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(Stopped), worked_on([Does("import time; time.sleep(60)")], 1, stop) as results:
        list(results)
    assert time.monotonic() - begun < 30


def test_images_are_indexed_as_an_array_is():
    rows = np.arange(6 * 2 * 2 * 3, dtype=np.uint8).reshape(6, 2, 2, 3)
    pixels = Pixels.decoded(rows)
    assert len(pixels) == 6
    for index in (2, -1, slice(1, 4), [5, 0, 5], np.array([1, 2]), np.arange(4) % 2, rows[:, 0, 0, 0] > 20):
        np.testing.assert_array_equal(pixels[index], rows[index])
    with pytest.raises(IndexError):
        pixels[6]
