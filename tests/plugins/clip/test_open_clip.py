"""open_clip's models by its own names: the same embeddings from the same texts and images, or a clear refusal."""

import json

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file

from qbench.api import ModelError
from qbench.images.preprocessing import OPENAI_MEAN, OPENAI_STD, Geometry
from qbench.plugins.registry import installed
from qbench_clip.options import ClipOptions

TEXTS = ["a photo of a cat.", "A  dog's “house” &amp; more…", "", "naïve café " * 40]


def assert_same_embeddings(encoder, model, name, *, mean=OPENAI_MEAN, std=OPENAI_STD):
    side = model.visual.image_size[0]
    pixels = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    values = (values - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    with torch.inference_mode():
        images, texts = model.encode_image(values), model.encode_text(open_clip.get_tokenizer(name)(TEXTS))
    np.testing.assert_allclose(encoder.encode_images(pixels), images.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts.numpy(), atol=1e-5)
    assert encoder.module.logit_scale.item() == pytest.approx(model.logit_scale.item())


@pytest.fixture
def open_named():
    record = installed().model("open_clip").record
    return lambda name, **options: record.open(name, ClipOptions(**options))


@pytest.mark.parametrize("quick", [False, True], ids=["gelu", "quick_gelu"])
@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-16", "ViT-L-14"])
def test_the_three_kinds_give_the_same_embeddings(tmp_path, open_clip_source, name, quick, narrow, random_clip):
    config = narrow(name) | {"quick_gelu": quick}
    model = random_clip(config)
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.4] * 3}})
    )
    encoder = open_clip_source(tmp_path).load(device="cpu", dtype="float32")
    assert_same_embeddings(encoder, model, name, mean=(0.5,) * 3, std=(0.4,) * 3)


def test_full_size_once(tmp_path, open_named):
    with torch.device("meta"):
        empty = CLIP(**open_clip.get_model_config("ViT-B-32"))
    model = empty.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():  # open_clip's own start takes ten times as long
        for tensor in model.parameters():
            tensor.copy_(tensor.uniform_(-0.04, 0.04, generator=generator).half())
        model.attn_mask.fill_(float("-inf")).triu_(1)
    # The weights fit half precision, which halves the files; both models compute in single.
    save_file({name: tensor.half() for name, tensor in model.state_dict().items()}, tmp_path / "weights.safetensors")
    checkpoint = open_named("ViT-B-32", path=str(tmp_path / "weights.safetensors"))
    assert checkpoint.preprocessing.geometry == Geometry(size=224)
    assert_same_embeddings(checkpoint.load(device="cpu", dtype="float32"), model, "ViT-B-32")


def test_a_tag_brings_the_activation_the_mean_and_the_page(hub, small, open_named, narrow, random_clip):
    quick = random_clip(narrow("ViT-B-32") | {"quick_gelu": True})
    save_file(quick.state_dict(), hub("timm/vit_base_patch32_clip_224.metaclip_400m") / "open_clip_model.safetensors")
    checkpoint = open_named("ViT-B-32/metaclip_400m")
    assert checkpoint.identity.revision == "0123abc"
    assert_same_embeddings(checkpoint.load(device="cpu", dtype="float32"), quick, "ViT-B-32")
    large = random_clip(narrow("ViT-L-14"))
    save_file(large.state_dict(), hub("laion/CLIP-ViT-L-14-laion2B-s32B-b82K") / "open_clip_model.safetensors")
    checkpoint = open_named("ViT-L-14/laion2b_s32b_b82k")
    assert checkpoint.preprocessing.mean == checkpoint.preprocessing.std == (0.5, 0.5, 0.5)


def test_the_mean_of_the_nine_is_not_left_to_the_hub_page(hub, small, narrow, random_clip):
    page = hub("laion/CLIP-ViT-L-14-laion2B-s32B-b82K")
    save_file(random_clip(narrow("ViT-L-14")).state_dict(), page / "open_clip_model.safetensors")
    (page / "open_clip_config.json").write_text(json.dumps({"model_cfg": narrow("ViT-L-14")}))
    opened = installed().model("laion").record.open("ViT-L-14", ClipOptions())
    assert opened.preprocessing.mean == opened.preprocessing.std == (0.5, 0.5, 0.5)


def test_one_file_is_opened_by_the_name_of_its_model(tmp_path, small, open_named, narrow, random_clip):
    model = random_clip(narrow("ViT-B-16"))
    path = tmp_path / "mine.safetensors"
    save_file(model.state_dict(), path)
    plain = open_named("ViT-B-16", path=str(path))
    assert_same_embeddings(plain.load(device="cpu", dtype="float32"), model, "ViT-B-16")
    # Another activation is another model, even though the weights are the same.
    quick = installed().model("openai").record.open("ViT-B-16", ClipOptions(path=str(path)))
    assert quick.identity.fingerprint != plain.identity.fingerprint
    assert quick.load(device="cpu", dtype="float32").module.config.vision_config.hidden_act == "quick_gelu"


def test_one_file_in_transformers_own_names(tmp_path, small, open_named, narrow, random_clip):
    model = random_clip(narrow("ViT-B-32"))
    save_file(model.state_dict(), tmp_path / "theirs.safetensors")
    converted = open_named("ViT-B-32", path=str(tmp_path / "theirs.safetensors")).folder / "model.safetensors"
    encoder = open_named("ViT-B-32", path=str(converted)).load(device="cpu", dtype="float32")
    assert_same_embeddings(encoder, model, "ViT-B-32")


def test_one_file_without_a_name_is_refused(tmp_path, open_clip_source):
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=r"x\.safetensors: a single weights file does not contain its activation"):
        open_clip_source(tmp_path / "x.safetensors")


def test_a_name_that_is_not_that_of_the_weights(tmp_path, small, open_named, narrow, random_clip):
    path = tmp_path / "x.safetensors"
    save_file(random_clip(narrow("ViT-B-16")).state_dict(), path)
    with pytest.raises(ModelError, match=r"the tensor .* is .*, but this architecture has .*"):
        open_named("ViT-B-32", path=str(path))
    save_file({"conv.weight": torch.zeros(3)}, path)
    with pytest.raises(ModelError, match="not a plain ViT CLIP"):
        open_named("ViT-B-32", path=str(path))
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ModelError, match="truncated or damaged"):
        open_named("ViT-B-32", path=str(path))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ViT-B-33/openai", r"no model 'ViT-B-33'\n.*ViT-B-32"),
        ("ViT-B-32/laion3b", r"no weights 'laion3b' for ViT-B-32\nIt has: openai, .*laion2b_s34b_b79k"),
        ("ViT-B-32", "does not name weights on the hub"),
    ],
)
def test_names_that_open_clip_does_not_know(open_named, name, said):
    with pytest.raises(ModelError, match=said):
        open_named(name)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ViT-B-16-SigLIP", "text_cfg.hf_tokenizer_name = 'timm/ViT-B-16-SigLIP'"),
        ("ViT-L-14-CLIPA", "text_cfg.hf_tokenizer_name"),
        ("roberta-ViT-B-32", "text_cfg.hf_model_name"),
    ],
)
def test_what_needs_files_of_another_page_is_refused_with_the_setting(tmp_path, open_named, name, what):
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=f"open_clip takes {what}"):
        open_named(name, path=str(tmp_path / "x.safetensors"))


def test_locating_downloads_nothing_and_says_how(hub, tmp_path):
    record = installed().model("open_clip").record
    located = record.locate("ViT-B-32/laion2b_s34b_b79k", ClipOptions())
    assert not located.ready
    assert located.how_to_get == "hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K --revision main"
    (hub("laion/CLIP-ViT-B-32-laion2B-s34B-b79K") / "open_clip_model.safetensors").touch()
    assert record.locate("ViT-B-32/laion2b_s34b_b79k", ClipOptions()).ready
    assert not record.locate("ViT-B-32", ClipOptions(path=str(tmp_path / "nowhere"))).ready


def test_a_squashing_checkpoint_is_squashed(tmp_path, small, open_clip_source, narrow, random_clip):
    save_file(random_clip(narrow("ViT-B-32")).state_dict(), tmp_path / "open_clip_model.safetensors")
    config = {"model_cfg": narrow("ViT-B-32"), "preprocess_cfg": {"resize_mode": "squash", "mean": None}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    preprocessing = open_clip_source(tmp_path).preprocessing
    assert preprocessing.geometry == Geometry(size=64, resize="squash")
    assert preprocessing.mean == OPENAI_MEAN
    config["preprocess_cfg"]["resize_mode"] = "longest"
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="resize_mode 'longest' is not supported"):
        open_clip_source(tmp_path)
