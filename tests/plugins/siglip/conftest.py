"""A tiny SigLIP checkpoint with random weights and a tokenizer of words, made here."""

import json
from pathlib import Path

import pytest

CONTEXT = 12
WORDS = ["</s>", "<unk>", "a", "photo", "of", "cat", "dog", "red", "car", "tench", "goldfish"]


@pytest.fixture(scope="session")
def tiny_siglip(tmp_path_factory) -> Path:
    """A folder in transformers' format; tests that change it copy it first."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel

    folder = tmp_path_factory.mktemp("tiny-siglip")
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    # As SigLIP's own: padded with the end token.
    PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", eos_token="</s>", pad_token="</s>"
    ).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_processor_type": "SiglipImageProcessor",
                "do_resize": True,
                "size": {"height": 32, "width": 32},
                "resample": 3,
                "do_rescale": True,
                "do_normalize": True,
                "image_mean": [0.5, 0.5, 0.5],
                "image_std": [0.5, 0.5, 0.5],
            }
        )
    )
    tower = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = SiglipConfig(
        text_config={**tower, "vocab_size": 16, "max_position_embeddings": CONTEXT, "pad_token_id": 0},
        vision_config={**tower, "image_size": 32, "patch_size": 8},
    )
    torch.manual_seed(0)
    SiglipModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def open_siglip():
    """Open any folder as a checkpoint, by the plugin's own record."""
    import qbench_siglip
    from qbench_transformers.options import WeightsOptions

    (record,) = qbench_siglip.qbench_models()
    return lambda folder: record.open("local", WeightsOptions(path=str(folder)))
