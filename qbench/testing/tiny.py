"""What a plugin is tested with: a tiny CLIP with random weights, a few images, and built-in records.

The model is so small that a variant is built in a tenth of a second. It is a ``CLIPModel``, in files like
those on a hub page, so a method that works here works on a checkpoint of full size. Its answers mean nothing.

A contract runs a plugin with built-in plugins in the other places of a spec. Only this module names them.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

CONTEXT = 16
"""Tokens per text."""

SIZE = 32
"""The side of an image, in pixels."""

WIDTH = 64
"""The inputs of most layers: a multiple of 64, which methods that work in blocks need."""

TEXTS = ("a", "a photo of a cat", "x" * 100, "Ä – ?", "", "two  words")
"""A letter, a sentence, a text that is too long, one with characters that the tokenizer does not know, an empty text,
and one with two spaces."""

DECIDING = (
    *("config.json", "preprocessor_config.json", "tokenizer_config.json", "tokenizer.json", "vocab.json"),
    *("merges.txt", "spiece.model", "model.safetensors", "open_clip_config.json", "open_clip_model.safetensors"),
)
"""Files of a checkpoint's folder that decide an embedding."""

BASELINE, CAST = "fp32", "bf16"
"""Control arms that a plugin is run with."""

QUANTIZED, PRUNED = "torch-int8", "prune-magnitude"
"""Quantizers that a plugin is run with; they need no GPU."""

SYNSETS = ("n01440764", "n01443537")
"""The two classes of the tiny dataset, as ImageNet names them."""


def write_tokenizer(folder: Path) -> dict[str, int]:
    """Write the files of a CLIP tokenizer whose tokens are single characters, and return its vocabulary."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": CONTEXT}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return vocabulary


def write_clip(folder: Path, *, width: int = WIDTH, layers: int = 2, seed: int = 0) -> Path:
    """Write a CLIP checkpoint in transformers' format: two towers of a few layers, random weights.

    Parameters
    ----------
    folder : pathlib.Path
        The folder; created if it does not exist.
    width : int
        The width of both towers and of the embedding.
    layers : int
        The number of layers of each tower.
    seed : int
        The seed of the weights.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    import torch
    from transformers import CLIPConfig, CLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder)
    end = vocabulary["<|endoftext|>"]
    tower: dict[str, Any] = {
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": layers,
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
    """Images as an encoder gets them: noise, black, white, and a gradient. ``(count, size, size, 3)`` uint8."""
    made = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    # The images differ in range, so that a method which scales activations over the whole batch is noticed.
    for i, value in enumerate((0, 255)):
        made[i + 1 : i + 2] = value
    made[3:4] = np.linspace(0, 255, size, dtype=np.uint8)[None, :, None, None]
    return made


def write_images(folder: Path, each: int = 4) -> Path:
    """Write `each` images of each of two classes, in the layout of `benchmark`."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for i, synset in enumerate(SYNSETS):
        (folder / "val" / synset).mkdir(parents=True, exist_ok=True)
        for k in range(each):
            noise = rng.integers(100 * i, 100 * i + 100, (SIZE, SIZE, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / "val" / synset / f"{k}.JPEG")
    return folder


def write_calibration(folder: Path, *, brightest: int = 255) -> dict[str, Any]:
    """Write eight images and five texts that `benchmark` does not evaluate, as a spec names calibration data."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    for i in range(8):
        noise = rng.integers(0, brightest + 1, (SIZE, SIZE, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{i}.png")
    (folder / "texts.txt").write_text("\n".join(text for text in TEXTS if text), encoding="utf-8")
    return {"folder": str(folder), "texts": str(folder / "texts.txt"), "items": 8}


def model(folder: Path, label: str = "") -> dict[str, Any]:
    """A checkpoint in CLIP's format, as a spec names it."""
    named = {"source": "clip", "checkpoint": "tiny", "options": {"path": str(folder)}}
    return {**named, "label": label} if label else named


def benchmark(folder: Path) -> dict[str, Any]:
    """The tiny images, as a spec names them."""
    return {"name": "imagenet", "root": str(folder), "options": {"classes": "present", "templates": "single"}}
