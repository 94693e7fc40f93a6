"""An image becomes the same numbers as by open_clip's transform: a difference of exactly 0.0, whatever the file."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image

from qbench.api import FolderSource, ImageLocation
from qbench.images.decoding import decode_image
from qbench.images.preprocessing import Geometry, Preprocessing

SHARED = Path(__file__).parents[4] / "shared" / "data" / "clip_preprocess"
ORIENTATION = 0x0112


def noise(width: int, height: int, channels: int = 3) -> Image.Image:
    values = np.random.default_rng(width * height).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.fromarray(values)


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return exif


FILES = {
    "colour.png": lambda w, h: (noise(w, h), {}),
    "colour.jpg": lambda w, h: (noise(w, h), {}),
    "greyscale.png": lambda w, h: (noise(w, h).convert("L"), {}),
    "greyscale-alpha.png": lambda w, h: (noise(w, h, 4).convert("LA"), {}),
    "black-white.png": lambda w, h: (noise(w, h).convert("1"), {}),
    "alpha.png": lambda w, h: (noise(w, h, 4), {}),
    "palette.png": lambda w, h: (noise(w, h).convert("P"), {}),
    "palette-one-transparent.png": lambda w, h: (noise(w, h).convert("P"), {"transparency": 3}),
    "palette-transparent.png": lambda w, h: (noise(w, h).convert("P"), {"transparency": bytes(range(256))}),
    "palette.gif": lambda w, h: (noise(w, h).convert("P"), {"transparency": 3}),
    "cmyk.jpg": lambda w, h: (noise(w, h).convert("CMYK"), {}),
    "cmyk.tif": lambda w, h: (noise(w, h).convert("CMYK"), {}),
    "turned.jpg": lambda w, h: (noise(w, h), {"exif": turned()}),
}


@pytest.mark.parametrize("shape", [(300, 200), (90, 301), (1, 1), (1000, 3)], ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", FILES)
# Pillow's advice on palettes with transparency; open_clip's transform does not silence it.
@pytest.mark.filterwarnings("ignore:Palette images with Transparency:UserWarning")
def test_equal_to_open_clip_to_the_last_bit(tmp_path, name, shape):
    image, how = FILES[name](*shape)
    image.save(tmp_path / name, **how)
    for side, resize in itertools.product((224, 32), ("shortest", "squash")):
        ours = Preprocessing(geometry=Geometry(size=side, resize=resize))
        transform = image_transform(side, is_train=False, resize_mode=resize, mean=ours.mean, std=ours.std)
        with Image.open(tmp_path / name) as opened:
            theirs = transform(opened)
        assert (normalised(tmp_path / name, ours) - theirs).abs().max().item() == 0.0


def test_the_orientation_of_a_photograph_is_not_applied(tmp_path):
    noise(60, 40).save(tmp_path / "plain.png")
    noise(60, 40).save(tmp_path / "turned.png", exif=turned())
    geometry, source = Geometry(size=32), FolderSource(tmp_path)
    plain, turned_ = (decode_image(ImageLocation(source, f"{n}.png"), geometry) for n in ("plain", "turned"))
    with Image.open(tmp_path / "turned.png") as opened:
        assert opened.getexif()[ORIENTATION] == 6
    np.testing.assert_array_equal(plain, turned_)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared reference images are not beside this checkout")
def test_preprocessing_is_that_of_clip_to_the_last_bit():
    preprocessing = Preprocessing(geometry=Geometry(size=224))
    values = normalised(SHARED / "franz-kafka.jpg", preprocessing)
    expected = np.load(SHARED / "expected_preprocessed_image.npy")[0]
    assert np.abs(values.numpy() - expected).max() == 0.0


def normalised(path: Path, preprocessing: Preprocessing) -> torch.Tensor:
    image = ImageLocation(FolderSource(path.parent), path.name)
    pixels = decode_image(image, preprocessing.geometry).copy()  # torch wants an array it may write to
    values = torch.from_numpy(pixels).permute(2, 0, 1).float().div(255)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (preprocessing.mean, preprocessing.std))
    return values.sub(mean).div(std)
