"""open_clip's weights come out as a ``CLIPModel`` that gives the same embeddings."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from qbench.api import FolderSource, ImageLocation, ModelError
from qbench.images.decoding import decode_image
from qbench_clip.tensors import convert_tensors


def settings(quick_gelu: bool) -> dict:
    model = {
        "embed_dim": 64,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 128, "patch_size": 8},
        "text_cfg": {"context_length": 16, "vocab_size": 138, "width": 64, "heads": 2, "layers": 3},
    }
    if quick_gelu:
        model["quick_gelu"] = True
    return {"model_cfg": model, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}


@pytest.fixture(params=[True, False], ids=["quick_gelu", "gelu"])
def pair(request, tmp_path, tokenizer_files, random_clip):
    model = random_clip(settings(request.param)["model_cfg"])
    tokenizer_files(tmp_path)
    (tmp_path / "open_clip_config.json").write_text(json.dumps(settings(request.param)))
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    return model, tmp_path


def test_the_same_embeddings(pair, open_clip_source):
    theirs, folder = pair
    checkpoint = open_clip_source(folder)
    encoder = checkpoint.load(device="cpu", dtype="float32")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    texts = ["a cat", "x", "a photo of a dog, much too long for the model"]
    tokens = encoder.tokenizer(texts, padding="max_length", max_length=16, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        images = theirs.encode_image((torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
        # open_clip pads with zeros and reads the embedding at the highest id, which is the first end token.
        ids = tokens["input_ids"]
        first_end = ids.argmax(dim=1, keepdim=True)
        embedded = theirs.encode_text(torch.where(torch.arange(16) > first_end, 0, ids))
    np.testing.assert_allclose(encoder.encode_images(pixels), images.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(texts), embedded.numpy(), atol=1e-5)
    assert encoder.module.logit_scale.item() == pytest.approx(theirs.logit_scale.item())
    assert checkpoint.preprocessing.mean == (0.5, 0.5, 0.5)


def test_the_conversion_is_kept(pair, open_clip_source, monkeypatch):
    _, folder = pair
    first = open_clip_source(folder)
    monkeypatch.setattr("qbench_clip.convert._convert", None)
    assert open_clip_source(folder).folder == first.folder != folder


def test_a_tensor_too_few_or_too_many_is_another_architecture(random_clip):
    tensors = dict(random_clip(settings(True)["model_cfg"]).state_dict())
    with pytest.raises(ModelError, match=r"the tensor visual\.extra does not belong to a plain ViT CLIP"):
        convert_tensors({**tensors, "visual.extra": torch.zeros(1)}, where="x")
    del tensors["visual.transformer.resblocks.1.attn.in_proj_bias"]
    with pytest.raises(ModelError, match=r"in_proj_bias is missing"):
        convert_tensors(tensors, where="x")


def test_the_encoder_normalises_as_open_clip_does_to_the_last_bit(tmp_path, pair, open_clip_source, monkeypatch):
    from open_clip.transform import image_transform
    from PIL import Image

    encoder = open_clip_source(pair[1]).load(device="cpu", dtype="float32")
    seen = {}
    monkeypatch.setattr(
        encoder.module, "get_image_features", lambda pixel_values: seen.update(x=pixel_values) or torch.zeros(1, 64)
    )
    path = tmp_path / "x.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (50, 41, 3), dtype=np.uint8)).save(path)
    image = ImageLocation(FolderSource(tmp_path), path.name)
    encoder.encode_images(decode_image(image, open_clip_source(pair[1]).preprocessing.geometry)[None].copy())
    theirs = image_transform(32, is_train=False, mean=(0.5,) * 3, std=(0.5,) * 3)(Image.open(path))
    assert (seen["x"][0] - theirs).abs().max().item() == 0.0
