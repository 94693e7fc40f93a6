"""A CLIP folder is opened, identified, loaded and refused as it should be."""

import json
import pickle
import shutil

import numpy as np
import pytest

from qbench.api import ModelError
from qbench.images.preprocessing import Geometry
from qbench.plugins.registry import installed
from qbench_clip.options import ClipOptions

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def copy(tiny_clip, tmp_path):
    return shutil.copytree(tiny_clip, tmp_path / "copy")


def test_images_and_texts_become_embeddings(tiny_clip, open_clip_source):
    encoder = open_clip_source(tiny_clip).load(device="cpu", dtype="float32")
    images, texts = (
        encoder.encode_images(PIXELS),
        encoder.encode_texts(["a cat", "a dog", "a much longer text than fits"]),
    )
    assert images.shape == texts.shape == (3, 64)
    assert images.dtype == texts.dtype == np.float32


def test_a_batch_that_was_begun_has_its_own_embeddings(tiny_clip, open_clip_source):
    """They are waited for after the next batch was begun."""
    encoder = open_clip_source(tiny_clip).load(device="cpu", dtype="float32")
    first, second = encoder.begin_images(PIXELS), encoder.begin_images(255 - PIXELS)
    assert np.array_equal(second(), encoder.encode_images(255 - PIXELS))
    assert np.array_equal(first(), encoder.encode_images(PIXELS))
    assert not np.array_equal(first(), second())


def test_images_may_be_read_only_and_on_the_disk(tiny_clip, open_clip_source, tmp_path):
    np.save(tmp_path / "pixels.npy", PIXELS)
    encoder = open_clip_source(tiny_clip).load(device="cpu", dtype="float32")
    mapped = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    assert np.array_equal(encoder.begin_images(mapped)(), encoder.encode_images(PIXELS))


def test_the_embedding_is_that_of_transformers_own_processor(tiny_clip, open_clip_source):
    import torch
    from transformers import CLIPModel, CLIPTokenizer

    encoder = open_clip_source(tiny_clip).load(device="cpu", dtype="float32")
    model, tokenizer = CLIPModel.from_pretrained(tiny_clip), CLIPTokenizer.from_pretrained(tiny_clip)
    texts = ["a cat", "a dog and a cat"]
    values = (PIXELS / np.float32(255) - np.float32([0.5, 0.4, 0.3])) / np.float32([0.25, 0.3, 0.2])
    with torch.inference_mode():
        images = model.get_image_features(pixel_values=torch.tensor(values).permute(0, 3, 1, 2)).pooler_output
        padded = model.get_text_features(**tokenizer(texts, padding=True, return_tensors="pt")).pooler_output
    # Rounding: both are sums in float32 in different orders, which differ more on some CPUs than on others.
    np.testing.assert_allclose(encoder.encode_images(PIXELS), images.numpy(), rtol=1e-5, atol=1e-5)
    # Padded to another length and with an attention mask: the same embedding.
    np.testing.assert_allclose(encoder.encode_texts(texts), padded.numpy(), rtol=1e-5, atol=1e-5)


def test_preprocessing_is_data(tiny_clip, open_clip_source):
    preprocessing = open_clip_source(tiny_clip).preprocessing
    assert preprocessing.geometry == Geometry(size=32, resize="shortest", interpolation="bicubic")
    assert (preprocessing.mean, preprocessing.std) == ((0.5, 0.4, 0.3), (0.25, 0.3, 0.2))


def test_the_identity_follows_weights_configuration_and_tokenizer(copy, open_clip_source):
    seen = {open_clip_source(copy).identity.fingerprint}
    for name in ("config.json", "vocab.json", "preprocessor_config.json"):
        text = (copy / name).read_text()
        (copy / name).write_text(text + "\n")
        seen.add(open_clip_source(copy).identity.fingerprint)
        (copy / name).write_text(text)
    assert len(seen) == 4


def test_half_precision_is_what_was_asked_for(tiny_clip, open_clip_source):
    import torch

    for name, dtype in (("float16", torch.float16), ("bfloat16", torch.bfloat16)):
        encoder = open_clip_source(tiny_clip).load(device="cpu", dtype=name)
        assert {p.dtype for p in encoder.module.parameters()} == {dtype}
        assert encoder.encode_images(PIXELS).dtype == np.float32


def test_a_missing_folder_and_a_folder_without_weights(tmp_path, copy, open_clip_source):
    with pytest.raises(ModelError, match="the folder does not exist"):
        open_clip_source(tmp_path / "nowhere")
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"the folder has none of model\.safetensors, "):
        open_clip_source(copy)


@pytest.mark.parametrize("size", [0, 5, 1000, -1])
def test_truncated_weights_are_said_to_be_damaged_before_they_are_loaded(copy, open_clip_source, size):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:size])
    with pytest.raises(ModelError, match=r"model\.safetensors: the weights cannot be read: truncated or damaged"):
        open_clip_source(copy)


def test_a_tensor_that_is_missing_is_not_made_up(copy, open_clip_source):
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / "model.safetensors")
    del tensors["visual_projection.weight"]
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 tensors of a CLIPModel are missing, such as visual_projection\.weight"):
        open_clip_source(copy)


def test_weights_of_another_size_than_the_configuration_are_refused(copy, open_clip_source):
    config = json.loads((copy / "config.json").read_text())
    config["text_config"]["intermediate_size"] *= 2
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"the tensor text_model\.\S+ is 128, but this configuration has 256"):
        open_clip_source(copy)


def test_another_architecture_is_refused_before_it_is_loaded(copy, open_clip_source):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "siglip"}))
    with pytest.raises(ModelError, match=r"config\.json: the model is of type 'siglip'"):
        open_clip_source(copy)


def test_an_implementation_of_attention_that_would_be_downloaded_is_refused(copy, open_clip_source):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"attn_implementation": "someone/kernel"}))
    with pytest.raises(ModelError, match=r"config\.json: .*may download and run code"):
        open_clip_source(copy)


def test_a_pickle_of_tensors_is_read_and_gives_the_same_embeddings(copy, tiny_clip, open_clip_source):
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    theirs = open_clip_source(tiny_clip).load(device="cpu", dtype="float32").encode_images(PIXELS)
    mine = open_clip_source(copy).load(device="cpu", dtype="float32").encode_images(PIXELS)
    np.testing.assert_array_equal(mine, theirs)


class Bomb:
    """Unpickled, it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_of_anything_else_is_refused_and_not_run(copy, tmp_path, open_clip_source):
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(pickle.dumps({"x": Bomb(tmp_path / "exploded")}))
    with pytest.raises(ModelError, match=r"refused|cannot be read"):
        open_clip_source(copy)
    assert not (tmp_path / "exploded").exists()


def test_what_is_not_on_the_machine_is_said_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    record = installed().model("openai").record
    located = record.locate("ViT-B-32", ClipOptions())
    assert not located.ready
    assert located.how_to_get == "hf download openai/clip-vit-base-patch32 --revision main"
    with pytest.raises(ModelError, match=r"openai/clip-vit-base-patch32: the checkpoint is not on this machine"):
        record.open("ViT-B-32", ClipOptions())


def test_whatever_the_network_does_is_said_in_one_line(tmp_path, monkeypatch):
    class OwnError(Exception):
        """As HTTP libraries have them: of no class that is known here."""

    def fail(*args, **kwargs):
        raise OwnError("Name or service not known\nand more")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", fail)
    said = r"cannot be downloaded \(Name or service not known\)\nOn a machine with a network, run: hf download "
    with pytest.raises(ModelError, match=said):
        installed().model("openai").record.open("ViT-B-32", ClipOptions())


def test_a_hub_page_without_weights_that_can_be_read(tmp_path, monkeypatch):
    from types import SimpleNamespace

    page = SimpleNamespace(siblings=[SimpleNamespace(rfilename="flax_model.msgpack")])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *args, **kwargs: page)
    with pytest.raises(ModelError, match=r"some/page: the hub page has none of model\.safetensors, "):
        installed().model("clip").record.open("some/page", ClipOptions())
