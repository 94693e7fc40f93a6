"""Train the demo's tiny generative model: `python -m tools.demo.train_generative`.

A LLaVA: its image tower is that of the dual encoder of the same source (`tools.demo.train`) and stays as it is; its
projector and its language model begin at random and learn to answer questions about drawings. The matrix products run
in bfloat16, so the same seed gives the same weights only on the same kind of processor.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from transformers import (
    CLIPImageProcessor,
    CLIPModel,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from qbench_demo import CHECKPOINTS, GENERATIVE
from qbench_generative.families import FAMILIES
from tools.demo.questions import Asked, make_questions, vocabulary_text
from tools.demo.sources import INPUT_SIZE
from tools.demo.train import MEAN, STD, make_optimizer

SOURCE = "balanced"
IMAGE, BEGIN, END, PADDING = "<image>", "<s>", "</s>", "<pad>"
PROMPT = FAMILIES["llava"].prompt

_PATCH = 8
_IMAGE_TOKENS = (INPUT_SIZE // _PATCH) ** 2 + 1  # those of the patches and that of the whole image
_LONGEST = 256
_PART = 1000
_BATCH = 64
NOT_LEARNED = -100
_THREADS = 1


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Learn a byte-pair tokenizer in which each word of the questions and answers is one token."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = [PADDING, BEGIN, END, IMAGE]
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator([*vocabulary_text(), PROMPT.replace(IMAGE, "")], trainer)
    begin = made.token_to_id(BEGIN)
    made.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, begin)])
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=BEGIN, eos_token=END, pad_token=PADDING, padding_side="left"
    )


def make_processor(tokenizer: PreTrainedTokenizerFast) -> LlavaProcessor:
    """Return a processor that prepares images as for the dual encoders."""
    images = CLIPImageProcessor(
        size={"shortest_edge": INPUT_SIZE},
        crop_size={"height": INPUT_SIZE, "width": INPUT_SIZE},
        image_mean=list(MEAN),
        image_std=list(STD),
    )
    return LlavaProcessor(
        images, tokenizer, patch_size=_PATCH, vision_feature_select_strategy="full", num_additional_image_tokens=1
    )


def build_model(tower: CLIPModel, tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    """Return an untrained model on a trained image tower, which does not learn.

    Every width is a multiple of 64, as NF4 on a CPU needs.
    """
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=_LONGEST,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = LlavaConfig(
        vision_config=tower.config.vision_config,
        text_config=text,
        image_token_index=tokenizer.get_vocab()[IMAGE],
        image_seq_length=_IMAGE_TOKENS,
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
    )
    model = LlavaForConditionalGeneration(config)
    model.model.vision_tower.load_state_dict(tower.vision_model.state_dict())
    model.model.vision_tower.requires_grad_(False)
    model.set_attn_implementation("eager")  # the fastest for so small a model
    return model


def draw_pool(source: str, seed: int, size: int) -> tuple[np.ndarray, list[Asked]]:
    """Draw the training images in parts; each part has its own random stream."""
    drawn = [make_questions(source, seed, part, _PART) for part in range(math.ceil(size / _PART))]
    return np.concatenate([pixels for pixels, _ in drawn]), [asked for _, part in drawn for asked in part]


def make_rows(
    tokenizer: PreTrainedTokenizerFast, questions: Sequence[str], answers: Sequence[str]
) -> dict[str, Tensor]:
    """Return questions with their answers as the model learns them; only the tokens of the answers are learned.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerFast
        The tokenizer.
    questions, answers : sequence of str
        One of each per row.

    Returns
    -------
    dict
        ``input_ids``, ``attention_mask`` and ``labels``, each (rows, longest) int64, padded on the right.
    """
    rows, learned = [], []
    for question, answer in zip(questions, answers, strict=True):
        prompt = PROMPT.replace(IMAGE, IMAGE * _IMAGE_TOKENS).replace("{question}", question)
        asked: list[int] = tokenizer(prompt)["input_ids"]
        said: list[int] = tokenizer(f" {answer}{END}", add_special_tokens=False)["input_ids"]
        rows.append(torch.tensor(asked + said))
        learned.append(torch.tensor([NOT_LEARNED] * len(asked) + said))
    tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id)
    labels = nn.utils.rnn.pad_sequence(learned, batch_first=True, padding_value=NOT_LEARNED)
    return {"input_ids": tokens, "attention_mask": (tokens != tokenizer.pad_token_id).long(), "labels": labels}


@torch.no_grad()
def image_features(model: LlavaForConditionalGeneration, pixels: np.ndarray) -> Tensor:
    """Return what the image tower says of each image, (images, tokens, width) float32: the input of the projector."""
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    found = []
    for part in torch.from_numpy(pixels).split(_BATCH):
        values = (part.permute(0, 3, 1, 2).float() / 255 - mean) / std
        found.append(model.model.vision_tower(pixel_values=values).last_hidden_state)
    return torch.cat(found)


def answer_logits(
    model: LlavaForConditionalGeneration, features: Tensor, rows: dict[str, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what the model says of the tokens that are learned, and nothing of the others.

    Parameters
    ----------
    model : transformers.LlavaForConditionalGeneration
        The model.
    features : torch.Tensor
        (rows, tokens of an image, width), of `image_features`.
    rows : dict
        Of `make_rows`.

    Returns
    -------
    tuple
        The logits, (tokens, vocabulary); the tokens, (tokens,); and which tokens they are, (rows, longest - 1) bool.
    """
    tokens = rows["input_ids"]
    embedded = model.get_input_embeddings()(tokens)
    seen = model.model.multi_modal_projector(features).to(embedded)
    embedded = embedded.masked_scatter((tokens == model.config.image_token_id)[..., None], seen)
    read = model.model.language_model(inputs_embeds=embedded, attention_mask=rows["attention_mask"]).last_hidden_state
    learned = rows["labels"][:, 1:]
    places = learned != NOT_LEARNED
    return model.lm_head(read[:, :-1][places]), learned[places], places


def train(folder: Path, *, seed: int, steps: int, pool: int) -> None:
    """Train the model and write it in float16 as a transformers folder.

    Parameters
    ----------
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
    rng = np.random.default_rng([seed, 1])
    began = time.monotonic()
    drawn, asked = draw_pool(SOURCE, seed, pool)
    print(f"{len(drawn)} images in {time.monotonic() - began:.0f} s", flush=True)

    tokenizer = make_tokenizer()
    model = build_model(CLIPModel.from_pretrained(CHECKPOINTS / SOURCE, trust_remote_code=False), tokenizer)
    features = image_features(model, drawn)
    print(f"read by the image tower after {time.monotonic() - began:.0f} s", flush=True)
    optimizer, schedule = make_optimizer(model, steps)
    order = np.empty(0, dtype=np.int64)
    losses: list[float] = []
    for step in range(steps):
        if len(order) < _BATCH:
            order = np.concatenate([order, rng.permutation(len(drawn))])
        batch, order = order[:_BATCH], order[_BATCH:]
        questions = [asked[k].questions[int(rng.integers(len(asked[k].questions)))] for k in batch]
        rows = make_rows(tokenizer, questions, [asked[k].answer for k in batch])
        with torch.autocast("cpu", torch.bfloat16):
            logits, tokens, _ = answer_logits(model, features[batch], rows)
            loss = nn.functional.cross_entropy(logits, tokens)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if (step + 1) % 100 == 0:
            recent = sum(losses[-100:]) / 100
            print(f"step {step + 1} loss {recent:.3f} after {time.monotonic() - began:.0f} s", flush=True)
    model.half().save_pretrained(folder)
    make_processor(tokenizer).save_pretrained(folder)
    record = {"source": SOURCE, "seed": seed, "steps": steps, "batch": _BATCH, "images": len(drawn)}
    (folder / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Train the model."""
    parser = argparse.ArgumentParser(description="Train the demo's generative model.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--pool", type=int, default=8000)
    parser.add_argument("--out", type=Path, default=GENERATIVE)
    asked = parser.parse_args()
    train(asked.out, seed=asked.seed, steps=asked.steps, pool=asked.pool)


if __name__ == "__main__":
    main()
