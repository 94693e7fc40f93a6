"""A tiny CLIP checkpoint with random weights, made here: a vision and a text tower of two layers, width 64."""

import json
import string
from pathlib import Path

import pytest

CONTEXT = 16


def write_tokenizer(folder: Path) -> dict[str, int]:
    """CLIP's tokenizer files with letters for words: no merges, the end token last."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": CONTEXT})
    )
    return vocabulary


def write_preprocessor(folder: Path, size: int) -> None:
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "crop_size": {"height": size, "width": size},
                "size": {"shortest_edge": size},
                "resample": 3,
                "image_mean": [0.5, 0.4, 0.3],
                "image_std": [0.25, 0.3, 0.2],
            }
        )
    )


@pytest.fixture(scope="session")
def tokenizer_files():
    """Write CLIP's tokenizer files into a folder."""
    return write_tokenizer


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory) -> Path:
    """A folder in transformers' format; tests that change it copy it first."""
    return make_clip(tmp_path_factory.mktemp("tiny-clip"), width=64)


@pytest.fixture(scope="session")
def odd_clip(tmp_path_factory) -> Path:
    """A width that 4 bit on a CPU cannot do."""
    return make_clip(tmp_path_factory.mktemp("odd-clip"), width=96)


def make_clip(folder: Path, width: int) -> Path:
    import torch
    from transformers import CLIPConfig, CLIPModel

    vocabulary = write_tokenizer(folder)
    write_preprocessor(folder, 32)
    end = vocabulary["<|endoftext|>"]
    tower = {
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": width,
    }
    config = CLIPConfig(
        text_config={
            **tower,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": CONTEXT,
            "bos_token_id": end - 1,
            "eos_token_id": end,
            "pad_token_id": end,
        },
        vision_config={**tower, "image_size": 32, "patch_size": 8},
        projection_dim=width,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """Each test has a cache of its own."""
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def open_clip_source():
    """Open any folder as a checkpoint, by the plugin's own record."""
    from qbench.extension.registry import installed
    from qbench_clip.options import ClipOptions

    def open_(folder: Path):
        record = installed().model("clip").record
        return record.open("local", ClipOptions(path=str(folder)))

    return open_
