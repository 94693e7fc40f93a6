"""What a folder says of its images becomes data, or is refused."""

import json

import pytest

from qbench.api import ModelError
from qbench.images.preprocessing import Geometry
from qbench_transformers.preprocessing import read_preprocessing, write_preprocessing

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
        ({"size": {"shortest_edge": None, **SQUARE}}, Geometry(size=32, resize="squash")),
        ({"size": {"shortest_edge": 32, "longest_edge": None}, "crop_size": None}, Geometry(size=32)),
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
        {"size": {"shortest_edge": 32, "longest_edge": 32}},
        {"size": {"shortest_edge": 32, **SQUARE}},
        {"size": {"shortest_edge": 32}, "crop_size": {"shortest_edge": 32}},
        {"size": {"height": 32}},
        {"size": 32.5},
        {"size": "32"},
        {"size": 32, "default_to_square": True},
        {"size": 32, "image_mean": 0.5},
        {"size": 32, "resample": 0},
        {"size": 32, "image_mean": [0.5]},
        {"size": 32, "image_std": [0.5, 0.5, 0.0]},
        {"size": 32, "auto_map": {"AutoImageProcessor": "own.Processor"}},
    ],
)
def test_what_is_done_for_no_model_is_refused(tmp_path, config):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(NORMAL | config))
    with pytest.raises(ModelError, match=r"preprocessor_config\.json: not supported"):
        read_preprocessing(tmp_path)


def test_no_file_at_all(tmp_path):
    with pytest.raises(ModelError, match=r"preprocessor_config\.json: the file does not exist"):
        read_preprocessing(tmp_path)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"do_rescale": False}, "do_rescale = false"),
        ({"do_resize": False}, "do_resize = false"),
        ({"rescale_factor": 1.0}, r"rescale_factor = 1\.0"),
        ({"resample": 1}, r"resample = 1 \(Lanczos\); the filters 2 \(bilinear\) and 3 \(bicubic\) are supported"),
        ({"resample": "bicubic"}, r"resample = bicubic \(unknown\)"),
        ({"do_flip_channel_order": True}, "do_flip_channel_order = True"),
        ({"do_pad": True}, "do_pad = True"),
        ({"crop_pct": 0.9}, r"crop_pct = 0\.9"),
    ],
)
def test_a_setting_that_would_change_pixels_is_refused_by_name(tmp_path, config, said):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": 32, **NORMAL, **config}))
    with pytest.raises(ModelError, match=said):
        read_preprocessing(tmp_path)


def test_settings_that_are_off_or_change_no_pixel_are_accepted(tmp_path):
    plain = {"do_pad": None, "do_flip_channel_order": False, "rescale_factor": 0.00392156862745098, "do_rescale": True}
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"size": 32, **NORMAL, **plain, "image_processor_type": "CLIPImageProcessor"})
    )
    assert read_preprocessing(tmp_path).mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("numbers", [NORMAL, {}])
def test_without_normalisation_values_stay_between_0_and_1(tmp_path, numbers):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": 32, "do_normalize": False, **numbers}))
    found = read_preprocessing(tmp_path)
    assert (found.mean, found.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    write_preprocessing(tmp_path, tmp_path, found)
    assert read_preprocessing(tmp_path) == found
