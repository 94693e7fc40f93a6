"""What a folder says of its images becomes data, or is refused."""

import json

import pytest

from qbench.api import ModelError
from qbench.images.preprocessing import Geometry
from qbench_transformers.preprocessing import read_preprocessing

NORMAL = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
SQUARE = {"height": 32, "width": 32}


@pytest.mark.parametrize(
    ("config", "geometry"),
    [
        ({"size": 32}, Geometry(size=32)),
        (
            {"size": {"shortest_edge": 32}, "crop_size": SQUARE, "resample": 2},
            Geometry(size=32, interpolation="bilinear"),
        ),
        ({"size": SQUARE}, Geometry(size=32, resize="squash")),
        ({"size": SQUARE, "crop_size": 99, "do_center_crop": False}, Geometry(size=32, resize="squash")),
    ],
)
def test_both_ways_to_resize(tmp_path, config, geometry):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config | NORMAL))
    assert read_preprocessing(tmp_path).geometry == geometry


def test_the_one_file_that_transformers_5_writes(tmp_path):
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": {"size": SQUARE, **NORMAL}}))
    assert read_preprocessing(tmp_path).geometry == Geometry(size=32, resize="squash")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"size": {"height": 32, "width": 48}},
        {"size": {"shortest_edge": 40}, "crop_size": SQUARE},
        {"size": {"shortest_edge": 32}, "do_center_crop": False},
        {"size": 32, "resample": 0},
        {"size": 32, "image_mean": [0.5]},
    ],
)
def test_what_is_done_for_no_model_is_refused(tmp_path, config):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(NORMAL | config))
    with pytest.raises(ModelError, match=r"preprocessor_config\.json: not supported"):
        read_preprocessing(tmp_path)


def test_no_file_at_all(tmp_path):
    with pytest.raises(ModelError, match=r"preprocessor_config\.json: the file does not exist"):
        read_preprocessing(tmp_path)
