"""Image sources: files in a folder, and the digests that are remembered for any source."""

import io
import os
import pickle
import time
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from qbench.errors import DataError
from qbench.images.digests import image_digests
from qbench.images.ids import image_id
from qbench.images.interface import ImageSource
from qbench.images.locations import ImageLocation
from qbench.images.sources.files import FolderSource
from qbench.store.cache import Cache


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    (root / "cats").mkdir(parents=True)
    Image.fromarray(np.full((4, 4, 3), 7, np.uint8)).save(root / "cats" / "1.png")
    return root


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def test_a_file_in_a_folder(folder):
    source = FolderSource(folder)
    assert source.exists("cats/1.png")
    assert not source.exists("cats/2.png")
    assert not source.exists("cats")
    assert not source.exists("x" * 300 + ".png")
    with source.open("cats/1.png") as stream:
        assert stream.read() == (folder / "cats" / "1.png").read_bytes()
    assert source.where("cats/1.png") == str(folder / "cats" / "1.png")
    assert source.id("./cats/../cats/1.png") == "cats/1.png"


def test_the_keys_below_a_folder(folder):
    (folder / "top.png").touch()
    assert FolderSource(folder).keys() == {"top.png", "cats/1.png"}
    assert FolderSource(folder).keys("cats") == {"1.png"}
    assert FolderSource(folder).keys("dogs") == set()


@pytest.mark.parametrize("key", ["../secret.png", "/etc/passwd", "cats/../../secret.png"])
def test_no_key_leaves_the_folder(folder, key):
    (folder.parent / "secret.png").touch()
    source = FolderSource(folder)
    for ask in (source.exists, source.open, source.stamp, source.digest, source.id):
        with pytest.raises(DataError, match="leaves"):
            ask(key)


def test_a_linked_file_belongs_to_the_folder_that_has_the_link(folder, tmp_path):
    (tmp_path / "elsewhere.png").write_bytes(b"content")
    (folder / "link.png").symlink_to(tmp_path / "elsewhere.png")
    source = FolderSource(folder)
    assert source.exists("link.png")
    assert source.id("link.png") == "link.png"


def test_a_source_means_the_same_in_another_process(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    source = FolderSource("photos")
    monkeypatch.chdir(folder)
    again = pickle.loads(pickle.dumps(source))
    assert again == source
    assert hash(again) == hash(source)
    assert again.exists("cats/1.png")
    assert len(pickle.dumps(source)) < 1000


def test_the_row_does_not_count_when_locations_are_compared(folder):
    source = FolderSource(folder)
    one, other = (ImageLocation(source, "cats/1.png", row=row) for row in ("a.csv:row 2", "a.csv:row 9"))
    assert one == other
    assert len({one, other, ImageLocation(source, "cats/1.png", (0, 0, 2, 2))}) == 2


OPENED: list[str] = []


@dataclass(frozen=True)
class Texts(ImageSource):
    """Every key is an image whose content is the key itself; whatever was opened is noted."""

    stamped: bool = True

    def place(self):
        return "texts"

    def exists(self, key):
        return True

    def open(self, key):
        OPENED.append(key)
        if key == "missing":
            raise FileNotFoundError
        return io.BytesIO(key.encode())

    def stamp(self, key):
        return (len(key),) if self.stamped else None


@pytest.fixture(autouse=True)
def nothing_opened():
    OPENED.clear()


def test_what_a_source_need_not_write():
    assert Texts().id("a") == "a"
    assert Texts().where("a") == "texts: a"
    assert ImageSource.stamp(Texts(), "a") is None
    assert Texts().digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert image_id(ImageLocation(Texts(), "a", (1, 2, 3, 4.5))) == "a#xywh=1,2,3,4.5"


def test_boxes_of_one_image_are_read_once_and_all_are_counted(cache):
    steps = []
    images = [ImageLocation(Texts(), key, (0, 0, i + 1, 1)) for i, key in enumerate("abab")]
    digests = image_digests(cache, images, step=steps.append)
    assert sorted(OPENED) == ["a", "b"]
    assert digests[:2] == digests[2:]
    assert sum(steps) == 4


def test_a_digest_is_remembered_while_the_stamp_stays_the_same(cache):
    images = [ImageLocation(Texts(), "a")]
    assert image_digests(cache, images) == image_digests(cache, images)
    assert OPENED == ["a"]


def test_what_has_no_stamp_is_read_each_time_and_not_remembered(cache):
    images = [ImageLocation(Texts(stamped=False), "a")]
    assert image_digests(cache, images) == image_digests(cache, images)
    assert OPENED == ["a", "a"]
    assert not list(cache.root.rglob("*.json"))


def test_images_of_two_sources_with_the_same_key_are_kept_apart(cache, folder):
    images = [ImageLocation(Texts(), "cats/1.png"), ImageLocation(FolderSource(folder), "cats/1.png")]
    first = image_digests(cache, images)
    assert first[0] != first[1]
    assert image_digests(cache, images[::-1]) == first[::-1]


def test_an_image_that_cannot_be_read_is_named(cache, folder):
    with pytest.raises(DataError, match="texts: missing: this cannot be read"):
        image_digests(cache, [ImageLocation(Texts(), "missing")])
    with pytest.raises(DataError, match=r"cats/2\.png: this cannot be read \(No such file"):
        image_digests(cache, [ImageLocation(FolderSource(folder), "cats/2.png")])


def test_a_file_that_was_replaced_by_one_of_the_same_size_and_time_is_read_again(cache, folder, monkeypatch):
    monkeypatch.setattr("qbench.store.digests.RECENT", 0)
    image = folder / "cats" / "1.png"
    images = [ImageLocation(FolderSource(folder), "cats/1.png")]
    os.utime(image, ns=(1, 1))
    first = image_digests(cache, images)
    content = bytearray(image.read_bytes())
    content[-1] ^= 1
    time.sleep(0.02)  # one step of the clock of the file system, which the next change has to see
    image.write_bytes(content)  # in place: the inode stays
    os.utime(image, ns=(1, 1))
    second = image_digests(cache, images)
    (folder / "new.png").write_bytes(content[:-1] + b"x")  # another file in its place
    os.utime(folder / "new.png", ns=(1, 1))
    (folder / "new.png").replace(image)
    assert len({*first, *second, *image_digests(cache, images)}) == 3


def test_a_file_that_was_changed_just_now_is_not_remembered(cache, folder, monkeypatch):
    monkeypatch.setattr("qbench.store.digests.RECENT", 10**18)
    image_digests(cache, [ImageLocation(FolderSource(folder), "cats/1.png")])
    assert not list(cache.root.rglob("*.json"))


def test_a_changed_file_is_read_again(cache, folder):
    images = [ImageLocation(FolderSource(folder), "cats/1.png")]
    first = image_digests(cache, images)
    (folder / "cats" / "1.png").write_bytes(b"changed")
    os.utime(folder / "cats" / "1.png", ns=(1, 1))
    assert image_digests(cache, images) != first
