"""The contract of an image source: it travels to other processes, and what it says of an image is true."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from qbench.images.decoding import CheckTask
from qbench.images.interface import ImageSource
from qbench.images.locations import ImageLocation
from qbench.images.workers import worked_on


class ImageSourceContract:
    """Checks for an image source. Override `source`, `keys` and `absent`."""

    @pytest.fixture
    def source(self) -> ImageSource:
        """Override: a source that has images."""
        pytest.fail("override the fixture `source`")

    @pytest.fixture
    def keys(self) -> Sequence[str]:
        """Override: keys of at least two images of the source."""
        pytest.fail("override the fixture `keys`")

    @pytest.fixture
    def absent(self) -> str:
        """Override: a key that an image of the source could have, and none has."""
        pytest.fail("override the fixture `absent`")

    def test_it_can_be_sent_to_another_process(self, source: ImageSource, keys: Sequence[str]) -> None:
        """Pickled and read again it is equal, has the same hash and the same place, and gives the same images there."""
        again = pickle.loads(pickle.dumps(source))
        assert again == source, "a pickled source is not equal to the source"
        assert hash(again) == hash(source), "a pickled source has another hash"
        assert again.place() == source.place(), "a pickled source has another place"
        assert source.place(), "the place is empty: it tells the source from all others"
        assert _content(again, keys[0]) == _content(source, keys[0]), "a pickled source gives other images"
        with worked_on([CheckTask(ImageLocation(source, keys[0]), decode=True)], workers=1) as results:
            [(_, error)] = results
        assert error is None, f"in another process: {error}"

    def test_it_knows_which_images_it_has(self, source: ImageSource, keys: Sequence[str], absent: str) -> None:
        """What exists can be opened, and what does not exist is not found."""
        for key in keys:
            assert source.exists(key), f"{key!r} does not exist"
        assert not source.exists(absent), f"{absent!r} exists"
        with pytest.raises(FileNotFoundError):
            _content(source, absent)

    def test_what_is_opened_is_an_image(self, source: ImageSource, keys: Sequence[str]) -> None:
        """The stream has the encoded image, each time from its beginning."""
        from PIL import Image

        for key in keys:
            content = _content(source, key)
            try:
                with Image.open(io.BytesIO(content)) as image:
                    image.verify()
            except (OSError, SyntaxError) as error:  # what Pillow raises
                pytest.fail(f"{key!r} is not an image ({error})")
            assert _content(source, key) == content, f"{key!r}: the content differs from call to call"

    def test_the_digest_is_that_of_the_content(self, source: ImageSource, keys: Sequence[str]) -> None:
        """Results are stored under it."""
        for key in keys:
            assert source.digest(key) == sha256(_content(source, key)).hexdigest(), f"{key!r}: it is another digest"

    def test_the_stamp_stays_the_same(self, source: ImageSource, keys: Sequence[str]) -> None:
        """As long as the content does: whole numbers and texts, or nothing."""
        for key in keys:
            stamp = source.stamp(key)
            assert stamp == source.stamp(key), f"{key!r}: the stamp changes although the content does not"
            assert stamp is None or all(type(part) in (int, str) for part in stamp), f"{key!r}: {stamp} is not plain"

    def test_ids_mean_the_same_on_every_machine(self, source: ImageSource, keys: Sequence[str]) -> None:
        """They are unique, and name no place on this machine."""
        ids = [source.id(key) for key in keys]
        assert len(set(ids)) == len(set(keys)), f"two images have the same ID: {', '.join(ids)}"
        absolute = [x for x in ids if PurePosixPath(x).is_absolute() or PureWindowsPath(x).is_absolute()]
        assert not absolute, f"the ID {absolute[0]} names a place on this machine"
        for key in keys:
            assert key in source.where(key), f"messages about {key!r} name {source.where(key)!r}"

    def test_several_threads_may_read(self, source: ImageSource, keys: Sequence[str]) -> None:
        """Images are read by several threads at once."""
        wanted = list(keys) * 8
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda key: _content(source, key), wanted))
        alone = {key: _content(source, key) for key in keys}
        assert found == [alone[key] for key in wanted], "threads that read at once get other images"


def _content(source: ImageSource, key: str) -> bytes:
    with source.open(key) as stream:
        return stream.read()
