"""What a CLIPModel cannot express runs as open_clip runs it, and coverage hides no matrix."""

import json

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file

from qbench.api import Context, LayerOptions, ModelError, QuantizationError, simulate
from qbench.plugins.registry import installed
from qbench.testing.embedding import distance, embed

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}
VIT = {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}
CAPTIONS = {**TEXT, "attn_pooler_heads": 2}
SETTINGS = {
    "ConvNeXt": {"vision_cfg": {"timm_model_name": "convnext_atto", "timm_pool": "", "timm_proj": "linear"}},
    "EVA02": {"vision_cfg": {"timm_model_name": "eva02_tiny_patch14_224", "timm_pool": "token", "timm_proj": None}},
    "MobileCLIP": {"vision_cfg": {"timm_model_name": "fastvit_t8", "timm_pool": "avg", "timm_proj": None}},
    "CoCa": {"vision_cfg": VIT | {"attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True}},
    "pooling": {"vision_cfg": VIT | {"pool_type": "avg", "final_ln_after_pool": True}},
}
SIZE = {"EVA02": 224}
WIDTH = {"EVA02": 192, "MobileCLIP": 768}
TEXTS = ["a photo of a cat.", "A  dog's “house” &amp; more…", "naïve café " * 40]


def settings_of(kind):
    vision = {"image_size": SIZE.get(kind, 32), **SETTINGS[kind]["vision_cfg"]}
    text = TEXT | ({"no_causal_mask": True} if kind == "MobileCLIP" else {})
    model = {"embed_dim": WIDTH.get(kind, 64), "vision_cfg": vision, "text_cfg": text}
    if kind == "CoCa":
        model |= {"text_cfg": text | {"embed_cls": True, "output_tokens": True}, "multimodal_cfg": CAPTIONS}
    if kind not in ("ConvNeXt", "pooling"):
        model["custom_text"] = True
    return {"model_cfg": model, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.4] * 3}}


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """``(kind) -> (folder, open_clip's own model)`` with random weights."""
    made = {}

    def make(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            (folder / "open_clip_config.json").write_text(json.dumps(settings_of(kind)))
            torch.manual_seed(0)
            model = open_clip.create_model(f"local-dir:{folder}", load_weights=False, pretrained_text=False).eval()
            save_file(
                {name: tensor.clone() for name, tensor in model.state_dict().items()},
                folder / "open_clip_model.safetensors",
            )
            made[kind] = folder, model
        return made[kind]

    return make


@pytest.fixture
def build(native, open_clip_source):
    def make(kind, name, **options):
        record = installed().quantizer(name).record
        return record.build(open_clip_source(native(kind)[0]), Context(device="cpu"), record.options(**options))

    return make


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_embeddings_are_those_of_open_clip(native, open_clip_source, kind):
    folder, model = native(kind)
    checkpoint = open_clip_source(folder)
    assert checkpoint.identity.architecture == ("CoCa" if kind == "CoCa" else "CustomTextCLIP")
    encoder = checkpoint.load(device="cpu", dtype="float32")
    side = SIZE.get(kind, 32)
    assert checkpoint.preprocessing.geometry.size == side
    pixels = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(TEXTS)
    with torch.inference_mode():
        images = model.encode_image((torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.5) / 0.4, normalize=False)
        texts = model.encode_text(tokens, normalize=False)
    np.testing.assert_allclose(encoder.encode_images(pixels), images.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts.numpy(), atol=1e-5)
    assert {parameter.dtype for parameter in checkpoint.load(device="cpu", dtype="bfloat16").module.parameters()} == {
        torch.bfloat16
    }


def test_a_matrix_that_is_no_linear_layer_is_shown_as_not_quantized(build):
    layers = {layer.name: layer for layer in build("pooling", "torch-int8").coverage.layers}
    hidden = layers["visual.transformer.resblocks.0.attn.in_proj_weight"]
    assert (hidden.quantized, hidden.tower, hidden.bits, hidden.parameters) == (False, "image", 32, 3 * 64 * 64)
    assert (hidden.error, hidden.reason) == (
        0,
        "a parameter outside any Linear layer; its module multiplies by it directly",
    )
    assert {layers[name].quantized for name in ("visual.proj", "text.text_projection")} == {False}
    assert layers["visual.transformer.resblocks.0.mlp.c_fc"].quantized
    assert {layer.tower for layer in layers.values()} == {"image", "text"}
    assert build("pooling", "bf16").coverage.layers[-1].error > 0


RUN = {
    "fp16": {},
    "bf16": {},
    "torch-int8": {},
    "ao-int8wo": {},
    "ao-int8dq": {},
    "prune-magnitude": {"pattern": "2:4"},
}
"""The built-in quantizers that exchange or change the layers of a model of any class, with their options."""
WHOLE_BATCH = {"torch-int8"}
"""Those that scale activations by the whole batch."""


@pytest.mark.parametrize("name", RUN)
@pytest.mark.parametrize("kind", SETTINGS)
def test_each_kind_runs_with_each_quantizer_that_takes_its_layers(build, kind, name):
    if name.startswith("ao-"):
        pytest.importorskip("torchao", reason="the extra torchao is not installed")
    side = SIZE.get(kind, 32)
    pixels = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    variant = build(kind, name, **RUN[name])
    found, exact = (embed(x.encoder, pixels, TEXTS) for x in (variant, build(kind, "fp32")))
    for wanted, mine, again in zip(exact, found, embed(variant.encoder, pixels, TEXTS), strict=True):
        np.testing.assert_array_equal(mine, again)
        assert 0 < distance(wanted, mine) < (0.8 if name == "prune-magnitude" else 0.25)
    if name not in WHOLE_BATCH:
        np.testing.assert_allclose(variant.encoder.encode_images(pixels[:1]), found[0][:1], atol=1e-5)
    layers = variant.coverage.layers
    assert {x.tower for x in layers if x.quantized} == (set() if name in ("fp16", "bf16") else {"image", "text"})
    assert all(x.error is not None for x in layers)


def test_all_of_a_tower_of_timm_is_quantized_and_shown(build):
    coverage = build("EVA02", "torch-int8", towers="image").coverage
    assert coverage.share("image") == 1
    assert coverage.share("text") == 0


def test_a_simulated_method_quantizes_it(native, open_clip_source):
    seen = {}

    def halve(name, weight):
        seen[name] = tuple(weight.shape)
        return weight / 2, 8

    checkpoint = open_clip_source(native("pooling")[0])
    variant = simulate(checkpoint, Context(device="cpu"), halve, layers=LayerOptions(only=("visual.*",)))
    shares = {layer.name: layer for layer in variant.coverage.layers}
    assert seen["visual.transformer.resblocks.0.attn.in_proj_weight"] == (192, 64)
    assert seen["visual.proj"] == (64, 64)
    assert shares["visual.proj"].error == pytest.approx(0.5)
    assert "text.text_projection" not in seen
    pixels = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    whole = checkpoint.load(device="cpu", dtype="float32")
    assert np.abs(variant.encoder.encode_images(pixels) - whole.encode_images(pixels)).max() > 1e-3
    assert np.array_equal(variant.encoder.encode_texts(["a"]), whole.encode_texts(["a"]))
    np.testing.assert_array_equal(variant.encoder.module.visual.proj.detach(), whole.module.visual.proj.detach() / 2)


def test_a_quantizer_that_needs_transformers_says_so(build):
    with pytest.raises(QuantizationError, match="while transformers loads a model, and a CustomTextCLIP is not one"):
        build("pooling", "hf-int4")


def test_weights_of_another_architecture_are_refused(native, open_clip_source, tmp_path):
    folder, model = native("pooling")
    (tmp_path / "open_clip_config.json").write_text((folder / "open_clip_config.json").read_text())
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items() if name != "visual.proj"}
    save_file(tensors, tmp_path / "open_clip_model.safetensors")
    with pytest.raises(ModelError, match=r"the tensor visual\.proj is missing, but this architecture has \(64, 64\)"):
        open_clip_source(tmp_path)


def test_quantized_weights_of_which_no_file_says_the_scale(native, open_clip_source, tmp_path):
    folder, model = native("pooling")
    (tmp_path / "open_clip_config.json").write_text((folder / "open_clip_config.json").read_text())
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    save_file(tensors | {"visual.proj": tensors["visual.proj"].char()}, tmp_path / "open_clip_model.safetensors")
    with pytest.raises(ModelError, match=r"the tensor visual\.proj is stored as int8, so it is quantized"):
        open_clip_source(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"vision_cfg": {"image_size": 32, "timm_model_name": "hf-hub:someone/page"}},
            "hf-hub:someone/page' from",
        ),
        ({"multimodal_cfg": ["a"]}, "cannot be loaded"),
        ({"text_cfg": {"width": "wide", "output_tokens": True}}, "cannot be loaded"),
    ],
)
def test_settings_that_are_wrong_or_lead_elsewhere_are_refused(native, open_clip_source, tmp_path, changed, message):
    folder, _ = native("pooling")
    settings = settings_of("pooling")
    settings["model_cfg"] |= changed
    (tmp_path / "open_clip_config.json").write_text(json.dumps(settings))
    (tmp_path / "open_clip_model.safetensors").symlink_to(folder / "open_clip_model.safetensors")
    with pytest.raises(ModelError, match=message):
        open_clip_source(tmp_path)
