"""Tiny things to test with, made on the spot: a CLIP with random weights, and a few images.

Small enough that a variant is built in a tenth of a second, and real enough (transformers' own ``CLIPModel``, files as
on a hub page) that a method which works here works on a checkpoint of full size. Its answers mean nothing.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

CONTEXT = 16
"""Tokens of a text."""

SIZE = 32
"""Side of an image in pixels."""

WIDTH = 64
"""Inputs of most layers: a multiple of 64, which methods that work in blocks need."""

TEXTS = ("a", "a photo of a cat", "x" * 100, "Ä – ?", "", "two  words")
"""One word, a sentence, one far too long, one with letters unknown to the tokenizer, none, and spaces."""

DECIDING = (
    *("config.json", "preprocessor_config.json", "tokenizer_config.json", "tokenizer.json", "vocab.json"),
    *("merges.txt", "spiece.model", "model.safetensors", "open_clip_config.json", "open_clip_model.safetensors"),
)
"""Files of a checkpoint's folder that decide an embedding."""

SYNSETS = ("n01440764", "n01443537")
"""The two classes of the tiny data, as ImageNet names them."""


def write_tokenizer(folder: Path) -> dict[str, int]:
    """Write CLIP's tokenizer files with letters for words: no merges, the end token last. Gives the vocabulary."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": CONTEXT}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return vocabulary


def write_clip(folder: Path, *, width: int = WIDTH, seed: int = 0) -> Path:
    """Write a CLIP checkpoint in transformers' format: two towers of two layers, random weights.

    Parameters
    ----------
    folder : pathlib.Path
        Where; made if it is not there.
    width : int
        Of both towers, and of the embedding.
    seed : int
        Of the weights.
    """
    import torch
    from transformers import CLIPConfig, CLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder)
    end = vocabulary["<|endoftext|>"]
    tower: dict[str, Any] = {
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": width,
    }
    text = {"vocab_size": len(vocabulary), "max_position_embeddings": CONTEXT}
    text |= {"bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end}
    images = {
        "crop_size": {"height": SIZE, "width": SIZE},
        "size": {"shortest_edge": SIZE},
        "resample": 3,
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.25, 0.3, 0.2],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    config = CLIPConfig(
        text_config={**tower, **text},
        vision_config={**tower, "image_size": SIZE, "patch_size": 8},
        projection_dim=width,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        CLIPModel(config).save_pretrained(folder)
    return folder


def pixels(count: int = 6, size: int = SIZE) -> npt.NDArray[np.uint8]:
    """Images as an encoder gets them: noise, black, white, and gradients. ``(count, size, size, 3)`` uint8."""
    made = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    # Neighbours that differ in their range: what scales activations over the whole batch shows.
    for i, value in enumerate((0, 255)):
        made[i + 1 : i + 2] = value
    made[3:4] = np.linspace(0, 255, size, dtype=np.uint8)[None, :, None, None]
    return made


def write_images(folder: Path, each: int = 4) -> Path:
    """Write `each` images of two classes, in the layout of the benchmark ``imagenet``."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for i, synset in enumerate(SYNSETS):
        (folder / "val" / synset).mkdir(parents=True, exist_ok=True)
        for k in range(each):
            noise = rng.integers(100 * i, 100 * i + 100, (SIZE, SIZE, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / "val" / synset / f"{k}.JPEG")
    return folder


def benchmark(folder: Path) -> dict[str, Any]:
    """The tiny images as a spec names them."""
    return {"name": "imagenet", "root": str(folder), "options": {"classes": "present", "templates": "single"}}
