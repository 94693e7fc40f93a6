"""A memo is what was remembered or nothing; that it is damaged, or cannot be written, is said and never more."""

import errno

import pytest

from qbench.store.cache import Cache
from qbench.store.digests import DigestMemo

PARTS = {"variant": ["a", (1, 2)], "size": 0.5}
VALUE = {"ä": [1, None, 2.5], "b": {"c": "d"}}


@pytest.fixture
def memo(tmp_path):
    return Cache(tmp_path).memo("speeds", PARTS)


def test_it_goes_there_and_back(memo):
    assert memo.read() is None
    memo.write(VALUE)
    assert memo.read() == VALUE


def test_every_flipped_bit_truncation_and_exchange_is_found(memo, tmp_path, caplog):
    memo.write(VALUE)
    whole = memo.path.read_bytes()
    damaged = [b"", b"\n", whole[:-1], whole + b"x", whole[:20], whole[65:]]
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        damaged.append(bytes(flipped))
    other = Cache(tmp_path).memo("speeds", {"of": "another"})
    other.write(VALUE)
    damaged.append(other.path.read_bytes())
    for content in damaged:
        memo.path.write_bytes(content)
        caplog.clear()
        assert memo.read() is None, content
        assert f"{memo.path}: the file is damaged; it is made again" in caplog.text
    memo.write(VALUE)
    assert memo.read() == VALUE


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only")])
def test_what_cannot_be_remembered_is_a_warning(memo, monkeypatch, caplog, number, said):
    def refused(*given, **named):
        raise OSError(number, "no")

    with monkeypatch.context() as broken:
        broken.setattr("tempfile.mkstemp", refused)
        memo.write(VALUE)
    assert "this cannot be remembered" in caplog.text
    assert said in caplog.text
    assert memo.read() is None


def test_digests_are_found_although_they_cannot_be_remembered(tmp_path, monkeypatch):
    class One:
        def stamp(self, key):
            return (1,)

        def digest(self, key):
            return "d"

        def where(self, key):
            return key

    def refused(*given, **named):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr("tempfile.mkstemp", refused)
    assert DigestMemo(Cache(tmp_path), "here").of(["a"], One()) == {"a": "d"}
