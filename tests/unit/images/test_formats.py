"""Which formats are read, and that what is not one of them is named in words."""

import io
import subprocess

import numpy as np
import pytest
from PIL import Image, features

from qbench.errors import DataError
from qbench.images.decoding import check_image, decode_image
from qbench.images.formats import FORMATS, no_image
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry
from qbench.images.sources.files import FolderSource

GEOMETRY = Geometry(size=8)


def located(folder, content: bytes, name="x.png") -> ImageLocation:
    (folder / name).write_bytes(content)
    return ImageLocation(FolderSource(folder), name)


def encoded(format_: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(20 * 16 * 3, dtype=np.uint8).reshape(16, 20, 3)).save(stream, format_)
    return stream.getvalue()


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_what_is_read_whatever_its_name(tmp_path, format_):
    assert format_ in FORMATS
    assert decode_image(located(tmp_path, encoded(format_)), GEOMETRY).shape == (8, 8, 3)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_is_read_and_named_where_it_is_damaged(tmp_path):
    content = encoded("AVIF")
    assert decode_image(located(tmp_path, content), GEOMETRY).shape == (8, 8, 3)
    for end in (60, len(content) - 40):
        with pytest.raises(DataError, match=r"x\.png: the image cannot be read"):
            decode_image(located(tmp_path, content[:end]), GEOMETRY)


def test_postscript_that_is_called_png_starts_no_program(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **kwargs: started.append(args))
    stream = io.BytesIO()
    Image.new("RGB", (9, 9)).save(stream, "EPS")
    with pytest.raises(DataError, match=r"x\.png: the image cannot be read \(it is a PostScript document \(EPS\)\)"):
        decode_image(located(tmp_path, stream.getvalue()), GEOMETRY)
    assert not started


@pytest.mark.parametrize("format_", ["ICO", "PCX", "TGA", "JPEG2000", "ICNS"])
def test_what_pillow_knows_beyond_these_is_refused(tmp_path, format_):
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, format_)
    with pytest.raises(DataError, match=r"x\.png: the image cannot be read \(it "):
        decode_image(located(tmp_path, stream.getvalue()), GEOMETRY)


@pytest.mark.parametrize(
    ("content", "what", "fix"),
    [
        (b"", "the file is empty", "failed download"),
        (b"\0" * 600, "it begins with zeros only", "failed download"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", "it is a Git LFS pointer", "lfs pull"),
        (b"\n<!DOCTYPE html><title>404</title>", "it is an HTML page", "failed download"),
        (b'{"error": "rate limit exceeded"}', "it is a JSON document", "failed download"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "it is an XML document", "failed download"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "it is a HEIC image", "Convert it to PNG or JPEG"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "it is a JPEG 2000 image", "Convert it to PNG or JPEG"),
        (b"%PDF-1.7", "it is a PDF document", "Convert it to PNG or JPEG"),
        (b"some words", "it has no known image format", "JPEG, PNG, WebP"),
    ],
)
def test_what_is_no_image_is_named(tmp_path, content, what, fix):
    assert what in no_image(content)[0]
    for read in (lambda at: decode_image(at, GEOMETRY), check_image):
        with pytest.raises(DataError, match=r"x\.png: the image cannot be read") as error:
            read(located(tmp_path, content))
        assert what in error.value.what
        assert fix in error.value.fix


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_whatever_is_damaged_the_image_is_named(tmp_path, format_):
    """Decoders raise all sorts of errors; each becomes one that says which image it was."""
    content, rng, said = encoded(format_), np.random.default_rng(0), []
    for _ in range(60):
        damaged = bytearray(content[: rng.integers(1, len(content) + 1)])
        for at in rng.integers(0, len(damaged), 4):
            damaged[at] = rng.integers(256)
        try:
            decode_image(located(tmp_path, bytes(damaged)), GEOMETRY)
        except DataError as error:
            said.append(str(error))
    assert said
    assert all(text.startswith(f"{tmp_path / 'x.png'}: ") for text in said)
