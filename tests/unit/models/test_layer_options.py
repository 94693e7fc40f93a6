"""Which layers a quantizer changes, and which towers are known to be left alone before the model is looked at."""

import pytest

from qbench.api import InputError, LayerOptions

LAYERS = ["vision_model.layers.0.fc1", "vision_model.layers.0.fc2", "text_model.layers.0.fc1", "text_projection"]


@pytest.mark.parametrize(
    ("only", "towers"),
    [
        ((), {"image", "text"}),
        (("text_model.layers.0.*", "text_projection"), {"text"}),
        (("vision_model.*",), {"image"}),
        (("visual_projection", "text_model.*"), {"image", "text"}),
        (("*.fc1",), {"image", "text"}),
        (("[tv]*",), {"image", "text"}),
        (("logit_scale",), {"image", "text"}),
    ],
)
def test_a_tower_is_left_alone_only_if_no_pattern_can_mean_it(only, towers):
    assert LayerOptions(only=only).changed_towers == towers


def test_layers_are_left_out_by_both_lists_each_with_its_reason():
    options = LayerOptions(only=("vision_model.*", "text_projection"), skip=("*.fc2",))
    assert options.left_out(LAYERS) == {LAYERS[1]: "skip = *.fc2", LAYERS[2]: "not in only"}
    assert LayerOptions().left_out(LAYERS) == {}


@pytest.mark.parametrize("option", ["only", "skip"])
def test_a_pattern_that_matches_no_layer_is_an_error_that_names_the_option(option):
    with pytest.raises(InputError, match=rf"{option}: the pattern 'audio.\*' matches none of the model's 4 Linear"):
        LayerOptions(**{option: ("audio.*",)}).left_out(LAYERS)
