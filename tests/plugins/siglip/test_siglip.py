"""SigLIP behind the same interface: transformers' own embeddings, and every quantizer."""

import json
import shutil

import numpy as np
import pytest
import torch

from qbench.api import Context, ModelError
from qbench.images.preprocessing import Geometry
from qbench.plugins.registry import installed
from qbench.testing.embedding import distance, embed
from qbench_transformers.tokenizer import KeptTokens

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
TEXTS = ["a photo of a cat", "a red car", "", "dog " * 30]
HEAD = "vision_model.head.attention"
QUANTIZERS = ["fp32", "fp16", "bf16", "hf-int8", "hf-int4", "torch-int8"]


@pytest.fixture
def copy(tiny_siglip, tmp_path):
    return shutil.copytree(tiny_siglip, tmp_path / "copy")


@pytest.fixture
def build(tiny_siglip, open_siglip):
    def make(name):
        record = installed().quantizer(name).record
        return record.build(open_siglip(tiny_siglip), Context(device="cpu"), record.options())

    return make


def test_preprocessing_squashes(tiny_siglip, open_siglip):
    preprocessing = open_siglip(tiny_siglip).preprocessing
    assert preprocessing.geometry == Geometry(size=32, resize="squash", interpolation="bicubic")
    assert preprocessing.mean == preprocessing.std == (0.5, 0.5, 0.5)


def test_the_embeddings_are_those_of_transformers_own_processor(tiny_siglip, open_siglip):
    from transformers import AutoTokenizer, SiglipImageProcessor, SiglipModel, SiglipProcessor

    tokenizer = AutoTokenizer.from_pretrained(tiny_siglip)
    processor = SiglipProcessor(SiglipImageProcessor.from_pretrained(tiny_siglip), tokenizer)
    model = SiglipModel.from_pretrained(tiny_siglip)
    # The images have the model's size, so that this compares all but the resizing, which is PIL's here.
    values = processor(images=list(torch.from_numpy(PIXELS).permute(0, 3, 1, 2)), return_tensors="pt")
    ids = processor(text=TEXTS, padding="max_length", max_length=12, truncation=True, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        images = model.get_image_features(pixel_values=values["pixel_values"]).pooler_output
        texts = model.get_text_features(input_ids=ids).pooler_output
    encoder = open_siglip(tiny_siglip).load(device="cpu", dtype="float32")
    np.testing.assert_allclose(encoder.encode_images(PIXELS), images.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts.numpy(), atol=1e-5)


def test_the_padding_is_part_of_a_text(tiny_siglip, open_siglip):
    """Unlike CLIP's: so a text has to be padded alike, whatever stands beside it."""
    encoder = open_siglip(tiny_siglip).load(device="cpu", dtype="float32")
    padded = encoder.encode_texts(["a red car"])
    np.testing.assert_allclose(encoder.encode_texts(["a red car", "dog " * 30])[:1], padded, atol=1e-6)
    encoder.context_length, encoder.tokens = 5, KeptTokens()
    assert np.abs(encoder.encode_texts(["a red car"]) - padded).max() > 1e-3


def test_the_bias_is_part_of_the_identity_and_moves_no_embedding(copy, tiny_siglip, open_siglip):
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / "model.safetensors")
    tensors["logit_bias"] += 1
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    mine, theirs = open_siglip(copy), open_siglip(tiny_siglip)
    assert mine.identity.fingerprint != theirs.identity.fingerprint
    assert mine.identity.architecture == "SiglipModel"
    a, b = (c.load(device="cpu", dtype="float32").encode_images(PIXELS) for c in (mine, theirs))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_every_quantizer_runs_and_stays_near_the_baseline(build, name):
    base, variant = build("fp32").encoder, build(name).encoder
    for run in (lambda e: e.encode_images(PIXELS), lambda e: e.encode_texts(TEXTS)):
        a, b = run(base), run(variant)
        cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        assert cosine.min() > 0.9
        assert np.array_equal(a, b) == (name == "fp32")


@pytest.mark.parametrize("name", ["hf-int8", "hf-int4", "torch-int8"])
def test_only_the_attention_of_the_pooling_head_is_left_out(build, name):
    coverage = build(name).coverage
    assert [layer.name for layer in coverage.layers if not layer.quantized] == [
        f"{HEAD}.out_proj",
        f"{HEAD}.in_proj_weight",
    ]
    assert coverage.share("text") == 1
    assert coverage.share("image") == pytest.approx(1 - 4 * 64 * 64 / 98304)
    assert {layer.tower for layer in coverage.layers} == {"image", "text"}


@pytest.mark.parametrize("name", ["hf-int8", "hf-int4", "torch-int8", "prune-magnitude"])
def test_a_scope_keeps_to_one_tower_and_errors_are_known(tiny_siglip, open_siglip, name):
    record, checkpoint = installed().quantizer(name).record, open_siglip(tiny_siglip)
    coverage = record.build(
        checkpoint, Context(device="cpu"), record.options(towers="text", projections="both")
    ).coverage
    assert (coverage.share("text"), coverage.share("image")) == (1, 0)
    assert all((x.error > 0) == x.quantized for x in coverage.layers)


def test_a_variant_that_is_kept_comes_back_bit_for_bit(build, open_siglip, tmp_path):
    variant = build("hf-int4")
    assert variant.save(tmp_path) == "stored"
    kept = open_siglip(tmp_path)
    record = installed().quantizer("stored").record
    again = record.build(kept, Context(device="cpu"), record.options())
    np.testing.assert_array_equal(again.encoder.encode_images(PIXELS), variant.encoder.encode_images(PIXELS))
    np.testing.assert_array_equal(again.encoder.encode_texts(["a cat"]), variant.encoder.encode_texts(["a cat"]))


def test_a_clip_is_no_siglip(tiny_clip, open_siglip):
    with pytest.raises(ModelError, match=r"config\.json: the model is of type 'clip', not 'siglip'"):
        open_siglip(tiny_clip)


def test_a_tokenizer_that_would_quietly_be_another_is_refused(copy, open_siglip, monkeypatch):
    config = json.loads((copy / "tokenizer_config.json").read_text())

    def of(kind):
        (copy / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": kind}))

    of("GemmaTokenizer")
    with pytest.raises(ModelError, match="does not pad texts on the right, as SigLIP 2 was trained"):
        open_siglip(copy)
    of("SiglipTokenizer")
    with pytest.raises(ModelError, match=r"spiece\.model: the file is missing"):
        open_siglip(copy)
    (copy / "spiece.model").touch()
    monkeypatch.setattr("qbench_siglip.tokenizer.find_spec", lambda module: None)
    with pytest.raises(ModelError, match="pip install sentencepiece protobuf"):
        open_siglip(copy)


def test_siglips_own_tokenizer(copy, open_siglip):
    sentencepiece = pytest.importorskip("sentencepiece", reason="SigLIP's tokenizer needs sentencepiece")
    pytest.importorskip("google.protobuf", reason="SigLIP's tokenizer needs protobuf")
    (copy / "tokenizer.json").unlink()
    (copy / "words.txt").write_text("a photo of a cat\na photo of a dog\na red car\n")
    sentencepiece.SentencePieceTrainer.train(
        input=str(copy / "words.txt"), model_prefix=str(copy / "spiece"), vocab_size=16, minloglevel=2
    )
    (copy / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "SiglipTokenizer", "model_max_length": 12})
    )
    encoder = open_siglip(copy).load(device="cpu", dtype="float32")
    assert type(encoder.tokenizer).__name__ == "SiglipTokenizer"
    tokens = encoder.tokenizer(["A Photo, of a CAT!", "a photo of a cat"], padding="max_length", max_length=12)
    assert tokens["input_ids"][0] == tokens["input_ids"][1]


def test_both_towers_run_in_onnx_runtime(tiny_siglip, open_siglip):
    """SigLIP pools images by attention, and its texts are read at the last position."""
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    record = installed().quantizer("ort-fp32").record
    checkpoint = open_siglip(tiny_siglip)
    variant = record.build(checkpoint, Context(device="cpu"), record.options())
    wanted = embed(checkpoint.load(device="cpu", dtype="float32"), PIXELS, TEXTS)
    found = embed(variant.encoder, PIXELS, TEXTS)
    assert max(distance(a, b) for a, b in zip(wanted, found, strict=True)) < 1e-4


@pytest.fixture
def second(copy):
    """A tiny SigLIP 2: SigLIP's class with a tokenizer of Gemma's kind, whose words are letters."""
    from tokenizers import processors
    from transformers import Siglip2Tokenizer

    letters = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *"acdegort"]
    tokenizer = Siglip2Tokenizer({token: i for i, token in enumerate(letters)}, [], padding_side="right")
    end = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    tokenizer.backend_tokenizer.post_processor = end
    tokenizer.save_pretrained(copy)
    return copy


@pytest.mark.parametrize("named", ["Siglip2Tokenizer", "GemmaTokenizer"])
def test_the_texts_of_siglip_2_are_in_lower_case_as_in_its_reference(second, open_siglip, named):
    from transformers import AutoTokenizer, SiglipModel

    texts = ["A red CAR", "Dog", "a cat! A goat"]
    tokenizer = AutoTokenizer.from_pretrained(second)
    assert type(tokenizer).__name__ == "Siglip2Tokenizer"
    ids = tokenizer(texts, padding="max_length", max_length=12, truncation=True, return_tensors="pt")["input_ids"]
    assert (ids[1] == 0).sum() == 12 - 4  # three letters and the end: padded on the right
    with torch.inference_mode():
        wanted = SiglipModel.from_pretrained(second).get_text_features(input_ids=ids).pooler_output.numpy()
    config = json.loads((second / "tokenizer_config.json").read_text())
    (second / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": named}))
    saved = json.loads((second / "tokenizer.json").read_text())
    if named == "GemmaTokenizer":  # the files of the published checkpoints do not make texts lower case
        saved["normalizer"] = saved["normalizer"]["normalizers"][-1]
        (second / "tokenizer.json").write_text(json.dumps(saved))
    encoder = open_siglip(second).load(device="cpu", dtype="float32")
    np.testing.assert_allclose(encoder.encode_texts(texts), wanted, atol=1e-5)
    encoder.clean, encoder.tokens = lambda text: text, KeptTokens()
    assert (np.abs(encoder.encode_texts(texts) - wanted).max() > 1e-3) == (named == "GemmaTokenizer")
