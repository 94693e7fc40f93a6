"""The nine checkpoints of the study are what open_clip's own tables say they are."""

import pytest
from open_clip import get_model_config
from open_clip.pretrained import get_pretrained_cfg

from qbench.plugins.registry import installed
from qbench_clip.names import HUB_IDS, MEAN_AND_STD, SIZES, TAGS
from qbench_clip.tags import look_up

NINE = [(source, size) for source in ("openai", "laion", "datacomp") for size in SIZES]


def test_nine_are_listed():
    listed = [(s, c) for s in ("openai", "laion", "datacomp") for c in installed().model(s).record.checkpoints]
    assert listed == NINE
    assert len(set(NINE)) == 9


@pytest.mark.parametrize(("source", "size"), NINE, ids="/".join)
def test_each_is_open_clips_own(source, size):
    known = get_pretrained_cfg(size, TAGS[source][size])
    assert MEAN_AND_STD[source][size] == (known["mean"], known["std"])
    assert (known["interpolation"], known["resize_mode"]) == ("bicubic", "shortest")
    assert known.get("quick_gelu", False) == (source == "openai")
    if source != "openai":  # open_clip takes OpenAI's weights from a page in a format of its own
        assert known["hf_hub"] == HUB_IDS[source][size] + "/"


def test_only_one_has_another_mean():
    others = [f"{s}/{c}" for s, c in NINE if MEAN_AND_STD[s][c] != MEAN_AND_STD["openai"]["ViT-B-32"]]
    assert others == ["laion/ViT-L-14"]
    assert MEAN_AND_STD["laion"]["ViT-L-14"] == ((0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize(
    ("name", "quick"),
    [
        ("ViT-B-32/openai", True),  # the weights want it, the name does not say so
        ("ViT-B-32-quickgelu/openai", True),
        ("ViT-B-32-quickgelu/metaclip_400m", True),
        ("ViT-B-32-quickgelu", True),
        ("ViT-B-32/laion2b_s34b_b79k", False),
        ("ViT-B-32", False),
    ],
)
def test_quick_gelu_is_that_of_the_weights(name, quick):
    assert bool(look_up(name).settings["model_cfg"].get("quick_gelu")) is quick


def test_looking_up_changes_nothing_in_open_clip():
    before = get_model_config("ViT-B-32")
    look_up("ViT-B-32/openai").settings["model_cfg"]["vision_cfg"]["width"] = 1
    assert get_model_config("ViT-B-32") == before
