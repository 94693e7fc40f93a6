"""Train the demo's tiny dual encoders: `python -m tools.demo.train --source balanced`.

Contrastive training on generated images. Captions of the same topic (all templates of "a photo of a teapot") count as
correct for each other's images. The matrix products run in bfloat16, so the same seed gives the same weights only on
the same kind of processor.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from qbench_demo import CHECKPOINTS
from tools.demo.sources import INPUT_SIZE, SOURCES, make_examples
from tools.demo.tokenizer import CONTEXT_LENGTH, write_tokenizer
from tools.demo.training_captions import Caption, vocabulary_text

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

_PART = 2000
_BATCH = 128
_PEAK_RATE = 1.5e-3
_WARM_UP = 150
_WEIGHT_DECAY = 0.05
# One thread: two sources trained at the same time are faster than two threads for one of them.
_THREADS = 1


def build_model(vocabulary: int) -> CLIPModel:
    """Return an untrained model; every width is a multiple of 64, as NF4 on a CPU needs."""
    text = {
        "vocab_size": vocabulary,
        "hidden_size": 64,
        "intermediate_size": 256,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "max_position_embeddings": CONTEXT_LENGTH,
        "hidden_act": "quick_gelu",
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "pad_token_id": vocabulary - 1,
        "projection_dim": 128,
    }
    vision = {
        "hidden_size": 64,
        "intermediate_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "image_size": INPUT_SIZE,
        "patch_size": 8,
        "hidden_act": "quick_gelu",
        "projection_dim": 128,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=128))


def draw_pool(source: str, seed: int, size: int) -> tuple[np.ndarray, list[list[Caption]]]:
    """Draw the training images in parts; each part has its own random stream."""
    drawn = [make_examples(source, seed, part, _PART) for part in range(math.ceil(size / _PART))]
    captions = [described for _, part in drawn for described in part]
    return np.concatenate([pixels for pixels, _ in drawn]), captions


def _augment(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Shift, scale, tilt and relight each image a little, and normalise it."""
    count = len(pixels)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=generator) * (high - low) + low

    scale, turn = uniform(0.88, 1.08), uniform(-0.12, 0.12)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = scale * turn.cos()
    theta[:, 0, 1] = -scale * turn.sin()
    theta[:, 1, 0] = scale * turn.sin()
    theta[:, 0, 2], theta[:, 1, 2] = uniform(-0.1, 0.1), uniform(-0.1, 0.1)
    grid = nn.functional.affine_grid(theta, [count, 3, INPUT_SIZE, INPUT_SIZE], align_corners=False)
    values = pixels.permute(0, 3, 1, 2).float() / 255
    moved = nn.functional.grid_sample(values, grid, padding_mode="reflection", align_corners=False)
    moved = moved * uniform(0.85, 1.15)[:, None, None, None]
    return (moved - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def make_optimizer(model: nn.Module, steps: int) -> tuple[torch.optim.AdamW, torch.optim.lr_scheduler.LambdaLR]:
    """Return AdamW, and a schedule with a warm-up and a cosine for so many batches."""
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": _WEIGHT_DECAY},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=_PEAK_RATE,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps)),
    )
    return optimizer, schedule


def contrastive_loss(logits: Tensor, topics: Tensor) -> Tensor:
    """Return the symmetric contrastive loss; captions of one topic are correct for each other's images."""
    same = (topics[:, None] == topics[None, :]).float()
    targets = same / same.sum(1, keepdim=True)
    by_image = nn.functional.cross_entropy(logits, targets)
    by_text = nn.functional.cross_entropy(logits.T, targets)
    return (by_image + by_text) / 2


def _unit(values: Tensor) -> Tensor:
    return nn.functional.normalize(values.float(), dim=-1)


def train(source: str, folder: Path, *, seed: int, steps: int, pool: int) -> None:
    """Train one model and write it as a transformers folder.

    Parameters
    ----------
    source : str
        One of `SOURCES`.
    folder : Path
        The folder of the model.
    seed : int
        The seed of the images, of the initial weights and of the order.
    steps : int
        Number of batches.
    pool : int
        Number of images to draw.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(_THREADS)
    generator = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng([seed, 1])
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder, vocabulary_text())
    tokenizer = CLIPTokenizer.from_pretrained(folder, trust_remote_code=False)
    began = time.monotonic()
    drawn, captions = draw_pool(source, seed, pool)
    pixels = torch.from_numpy(drawn)
    print(f"{source}: {len(pixels)} images in {time.monotonic() - began:.0f} s", flush=True)

    model = build_model(vocabulary)
    optimizer, schedule = make_optimizer(model, steps)
    order = np.empty(0, dtype=np.int64)
    losses: list[float] = []
    for step in range(steps):
        if len(order) < _BATCH:
            order = np.concatenate([order, rng.permutation(len(pixels))])
        batch, order = order[:_BATCH], order[_BATCH:]
        chosen = [captions[k][int(rng.integers(len(captions[k])))] for k in batch]
        names = {topic: k for k, topic in enumerate(dict.fromkeys(c.topic for c in chosen))}
        topics = torch.tensor([names[caption.topic] for caption in chosen])
        tokens = tokenizer([caption.text for caption in chosen], padding=True, truncation=True, return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16):
            images = model.get_image_features(_augment(pixels[batch], generator)).pooler_output
            texts = model.get_text_features(**tokens).pooler_output
        logits = model.logit_scale.exp() * _unit(images) @ _unit(texts).T
        loss = contrastive_loss(logits, topics)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=math.log(100))
        losses.append(loss.item())
        if (step + 1) % 100 == 0:
            recent = sum(losses[-100:]) / 100
            passed = time.monotonic() - began
            print(f"{source}: step {step + 1} loss {recent:.3f} after {passed:.0f} s", flush=True)
    _save(model, folder)
    record = {
        "source": source,
        "seed": seed,
        "steps": steps,
        "batch": _BATCH,
        "images": len(pixels),
    }
    (folder / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _save(model: CLIPModel, folder: Path) -> None:
    model.save_pretrained(folder)
    preprocessing = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": INPUT_SIZE},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": INPUT_SIZE, "width": INPUT_SIZE},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(MEAN),
        "image_std": list(STD),
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Train the sources that are named on the command line."""
    parser = argparse.ArgumentParser(description="Train the demo's dual encoders.")
    parser.add_argument("--source", choices=[*SOURCES, "all"], default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--pool", type=int, default=30000)
    parser.add_argument("--out", type=Path, default=CHECKPOINTS)
    asked = parser.parse_args()
    for source in SOURCES if asked.source == "all" else [asked.source]:
        train(source, asked.out / source, seed=asked.seed, steps=asked.steps, pool=asked.pool)


if __name__ == "__main__":
    main()
