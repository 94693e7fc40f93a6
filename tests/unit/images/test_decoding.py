"""One image, one path: equal to torchvision's transforms to the last bit, and clear words on what cannot be read."""

from hashlib import sha256

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from qbench.errors import DataError
from qbench.images.decoding import check_image, decode_image
from qbench.images.limits import MAX_FILE_BYTES
from qbench.images.locations import ImageLocation
from qbench.images.preprocessing import Geometry
from qbench.images.sources.files import FolderSource

GEOMETRY = Geometry(size=64)


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize(
    ("width", "height"), [(64, 64), (100, 80), (80, 101), (1, 1), (1000, 3), (3, 1000), (65, 64), (333, 127)]
)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "CMYK"])
def test_equal_to_torchvision(tmp_path, width, height, mode):
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    noise(width, height, mode).save(path)
    theirs = Compose([Resize(64, InterpolationMode.BICUBIC), CenterCrop(64)])(Image.open(path)).convert("RGB")
    np.testing.assert_array_equal(
        decode_image(ImageLocation(FolderSource(tmp_path), path.name), GEOMETRY), np.asarray(theirs)
    )


def test_squash_scales_both_sides(tmp_path):
    noise(90, 30).save(tmp_path / "x.png")
    mine = decode_image(ImageLocation(FolderSource(tmp_path), "x.png"), Geometry(size=32, resize="squash"))
    theirs = Resize((32, 32), InterpolationMode.BICUBIC)(Image.open(tmp_path / "x.png"))
    np.testing.assert_array_equal(mine, np.asarray(theirs))


def test_a_box_is_cut_out_first(tmp_path):
    image = noise(100, 80)
    image.save(tmp_path / "x.png")
    image.crop((10, 20, 74, 84 - 4)).save(tmp_path / "cut.png")
    box = decode_image(ImageLocation(FolderSource(tmp_path), "x.png", (10, 20, 64, 60)), GEOMETRY)
    np.testing.assert_array_equal(box, decode_image(ImageLocation(FolderSource(tmp_path), "cut.png"), GEOMETRY))


def test_a_box_that_sticks_out_is_cut_at_the_edge(tmp_path):
    noise(100, 80).save(tmp_path / "x.png")
    whole = decode_image(ImageLocation(FolderSource(tmp_path), "x.png"), GEOMETRY)
    np.testing.assert_array_equal(
        decode_image(ImageLocation(FolderSource(tmp_path), "x.png", (-9, -9, 500, 500)), GEOMETRY), whole
    )


@pytest.mark.parametrize("box", [(200, 0, 10, 10), (0, 0, 0, 10), (0, -50, 10, 20)])
def test_a_box_outside_is_an_error(tmp_path, box):
    noise(100, 80).save(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"x\.png: the box .* lies outside"):
        decode_image(ImageLocation(FolderSource(tmp_path), "x.png", box), GEOMETRY)


def test_a_truncated_file_is_an_error_that_names_it(tmp_path):
    noise(300, 200).save(tmp_path / "x.jpg")
    content = (tmp_path / "x.jpg").read_bytes()
    (tmp_path / "x.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"x\.jpg: the image cannot be read .*truncated"):
        decode_image(ImageLocation(FolderSource(tmp_path), "x.jpg"), GEOMETRY)


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n"])
def test_what_is_not_an_image_is_an_error(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.png"):
        decode_image(ImageLocation(FolderSource(tmp_path), "x.png"), GEOMETRY)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("x.png", np.uint16), ("x.tif", np.uint16), ("x.pgm", np.uint16), ("x.tif", np.int32), ("x.tif", np.float32)],
)
def test_greyscale_that_would_come_out_white_or_black_is_refused(tmp_path, name, kind):
    Image.fromarray((np.arange(64 * 64) * 15).reshape(64, 64).astype(kind)).save(tmp_path / name)
    with pytest.raises(DataError, match=r"greyscale with more than 8 bits: a model would see it nearly white or black"):
        check_image(ImageLocation(FolderSource(tmp_path), name))


def test_an_image_that_claims_gigabytes_is_refused_unread(tmp_path):
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    (tmp_path / "x.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
    with pytest.raises(DataError, match=r"x\.png"):
        decode_image(ImageLocation(FolderSource(tmp_path), "x.png"), GEOMETRY)


def test_a_missing_image_is_an_error_that_says_so(tmp_path):
    with pytest.raises(DataError, match="missing"):
        decode_image(ImageLocation(FolderSource(tmp_path), "x.png"), GEOMETRY)


def test_what_decoding_takes_is_announced_before_a_pixel_is_decoded(tmp_path, monkeypatch):
    Image.new("RGBA", (3000, 2000)).save(tmp_path / "x.png")
    announced = []

    def reserve(needed):
        announced.append(needed)
        raise MemoryError

    at = ImageLocation(FolderSource(tmp_path), "x.png", (0, 0, 1000, 1000))
    monkeypatch.setattr(Image.Image, "crop", None)
    with pytest.raises(DataError, match=r"x\.png: .*more memory"):
        decode_image(at, GEOMETRY, reserve=reserve)
    pixels, box, scaled = 6_000_000, 1_000_000, 64 * 64
    assert announced == [pixels * (4 * 2 + 1) + (box + scaled) * 4 * 2]


def test_a_large_file_is_announced_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("qbench.images.decoding.FREE_BYTES", 1000)
    noise(100, 80).save(tmp_path / "x.png")
    content, announced = (tmp_path / "x.png").read_bytes(), []
    at = ImageLocation(FolderSource(tmp_path), "x.png")
    decode_image(at, GEOMETRY, digest=sha256(content).hexdigest(), reserve=announced.append)
    assert announced[0] == MAX_FILE_BYTES
    assert sum(announced[:2]) == len(content)
    monkeypatch.setattr("qbench.images.decoding.MAX_FILE_BYTES", 2000)
    with pytest.raises(DataError, match=r"x\.png: the image is a file of more than"):
        decode_image(at, GEOMETRY, digest=sha256(content).hexdigest())


@pytest.mark.parametrize("box", [None, (0, 0, 1, 250_000)])
def test_an_image_that_would_be_scaled_to_gigabytes_is_refused(tmp_path, box):
    """The shorter side becomes 64 pixels: one column of 250,000 pixels would become 64 × 16 million."""
    Image.new("L", (1 if box is None else 8, 250_000)).save(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"x\.png: the image is scaled to 64 × 16000000 pixels"):
        decode_image(ImageLocation(FolderSource(tmp_path), "x.png", box), GEOMETRY)
