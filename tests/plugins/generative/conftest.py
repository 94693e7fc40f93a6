"""Tiny generative models with random weights, one per family: two layers, width 64, a token for each byte of a text."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIZE = {"llava": 16, "qwen2_5_vl": 56, "idefics3": 16, "smolvlm": 16, "paligemma": 16, "blip": 16, "matching": 16}
"""The side of an image."""

SPECIAL = {
    "qwen2_5_vl": (
        "<|image_pad|>",
        "<|video_pad|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|im_start|>",
        "<|im_end|>",
    ),
    "idefics3": ("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"),
}
IMAGE = ("<image>",)
CHAT = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)
WIDTH = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT = {**WIDTH, "num_key_value_heads": 1, "max_position_embeddings": 256, "head_dim": 32}
MEANS = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.25, 0.3, 0.2]}


def tokenizer_of(family):
    """A token for each byte; specials of the family; LLaVA and BLIP begin each text with a token."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(vocab=letters, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    more = SPECIAL.get("idefics3" if family == "smolvlm" else family, IMAGE)
    made.add_special_tokens([AddedToken(x, special=True) for x in ("<pad>", "<s>", "</s>", *more)])
    begin, end = made.token_to_id("<s>"), made.token_to_id("</s>")
    if family == "llava":
        made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", begin)])
    if family in ("blip", "matching"):
        specials = [("<s>", begin), ("</s>", end)]
        made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=specials)
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>", padding_side="left"
    )


def processor_of(family, tokenizer):
    import transformers as t

    square = {"height": 16, "width": 16}
    if family == "llava":
        images = t.CLIPImageProcessor(size={"shortest_edge": 16}, crop_size=square, **MEANS)
        how = {"patch_size": 8, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
        return t.LlavaProcessor(images, tokenizer, chat_template=CHAT, **how)
    if family == "qwen2_5_vl":
        images = t.Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56, **MEANS)
        return t.Qwen2_5_VLProcessor(images, tokenizer, t.Qwen2VLVideoProcessor())
    if family in ("idefics3", "smolvlm"):
        kind = t.Idefics3ImageProcessor if family == "idefics3" else t.SmolVLMImageProcessor
        side = {"longest_edge": 16}
        return t.Idefics3Processor(kind(max_image_size=side, size=side, **MEANS), tokenizer, image_seq_len=1)
    if family == "paligemma":
        images = t.SiglipImageProcessor(size=square, **MEANS)
        images.image_seq_length = 4
        return t.PaliGemmaProcessor(images, tokenizer)
    return t.BlipProcessor(t.BlipImageProcessor(size=square, **MEANS), tokenizer)


def model_of(family, tokenizer):
    import transformers as t

    words, ids = len(tokenizer), tokenizer.convert_tokens_to_ids
    ends = {"bos_token_id": ids("<s>"), "eos_token_id": ids("</s>"), "pad_token_id": ids("<pad>")}
    text = {**TEXT, "vocab_size": words, **ends}
    vision = {**WIDTH, "image_size": 16, "patch_size": 8, "initializer_range": 0.02}
    if family == "llava":
        config = t.LlavaConfig(
            vision_config=t.CLIPVisionConfig(**vision), text_config=t.LlamaConfig(**text), image_token_id=ids("<image>")
        )
        return t.LlavaForConditionalGeneration(config)
    if family == "qwen2_5_vl":
        rope = {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 10000.0}
        tower = {"depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2, "out_hidden_size": 64}
        config = t.Qwen2_5_VLConfig(
            text_config={**text, "rope_parameters": rope, "rope_scaling": rope},
            vision_config={**tower, "window_size": 56, "fullatt_block_indexes": [1]},
            image_token_id=ids("<|image_pad|>"),
            video_token_id=ids("<|video_pad|>"),
            vision_start_token_id=ids("<|vision_start|>"),
            vision_end_token_id=ids("<|vision_end|>"),
        )
        return t.Qwen2_5_VLForConditionalGeneration(config)
    if family in ("idefics3", "smolvlm"):
        name = "Idefics3" if family == "idefics3" else "SmolVLM"
        config = getattr(t, f"{name}Config")(
            vision_config=vision,
            text_config=t.LlamaConfig(**text),
            scale_factor=2,
            image_token_id=ids("<image>"),
            pad_token_id=ids("<pad>"),
        )
        return getattr(t, f"{name}ForConditionalGeneration")(config)
    if family == "paligemma":
        config = t.PaliGemmaConfig(
            vision_config=t.SiglipVisionConfig(**vision, projection_dim=64),
            text_config=t.GemmaConfig(**text),
            image_token_id=ids("<image>"),
            projection_dim=64,
            hidden_size=64,
        )
        return t.PaliGemmaForConditionalGeneration(config)
    decoder = {**WIDTH, "max_position_embeddings": 256, "vocab_size": words, "encoder_hidden_size": 64, **ends}
    config = t.BlipConfig(vision_config=vision, text_config={**decoder, "sep_token_id": ids("</s>")})
    return t.BlipForImageTextRetrieval(config) if family == "matching" else t.BlipForQuestionAnswering(config)


def write(family, folder: Path) -> Path:
    """A checkpoint in transformers' format. Its weights are large enough for answers to differ from each other."""
    import torch

    tokenizer = tokenizer_of(family)
    processor_of(family, tokenizer).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_of(family, tokenizer)
        for tensor in model.parameters():
            if tensor.dim() > 1:
                tensor.data *= 4
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Give the folder of a family; tests that change it copy it first."""
    made = {}

    def get(family) -> Path:
        if family not in made:
            made[family] = write(family, tmp_path_factory.mktemp(f"tiny-{family}"))
        return made[family]

    return get


@pytest.fixture
def open_model():
    """Open a folder as a checkpoint, by the plugin's own record."""
    import qbench_generative

    records = {record.name: record for record in qbench_generative.qbench_models()}

    def open_(folder, source="generative", **options):
        record = records[source]
        return record.open("tiny", record.options(path=str(folder), **options))

    return open_


@pytest.fixture(scope="session")
def pixels_of():
    """Images of the size that a family wants: noise."""

    def make(family, count=3):
        side = SIZE[family]
        return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)

    return make


@pytest.fixture
def facet(tmp_path):
    """Eight persons of two occupations in FACET's layout."""
    folder, rows = tmp_path / "facet", []
    (folder / "annotations").mkdir(parents=True)
    (folder / "imgs_1").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 24, 24, 3), dtype=np.uint8)
    for i in range(8):
        Image.fromarray(pixels[i]).save(folder / "imgs_1" / f"sa_{i}.jpg")
        box = json.dumps({"x": 0, "y": 0, "width": 24, "height": 24})
        row = {"person_id": i, "filename": f"sa_{i}.jpg", "class1": ("doctor", "nurse")[i % 2], "class2": ""}
        row |= {
            "bounding_box": box,
            "skin_tone_na": 0,
            **{f"skin_tone_{tone}": int(tone == 1 + i) for tone in range(1, 11)},
        }
        row |= {f"gender_presentation_{name}": int(name == "masc") for name in ("masc", "fem", "non_binary", "na")}
        rows.append(
            row | {f"age_presentation_{name}": int(name == "young") for name in ("young", "middle", "older", "na")}
        )
    with (folder / "annotations" / "annotations.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder
