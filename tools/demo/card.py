"""Write a demo model's card from the record of its training and the numbers of its evaluation."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from qbench_demo.people import OCCUPATIONS
from qbench_demo.things import THINGS
from tools.demo.sources import Source

_CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: zero-shot-image-classification
---

# qbench demo model: {name}

A dual encoder in transformers' `CLIPModel` format, small enough to ship with the package
({size:.1f} MB). It exists so that qbench can show a complete run without a network, an accelerator or
anybody's data. It stands for one of three pretraining sources. This one:
{summary}.

**Limits.** It was trained on generated drawings and measured on generated drawings. Nothing about
it says anything about CLIP, about real quantized models or about people. "Gender", "age" and "skin
tone" are how a figure is drawn. The FairFace `race` strings are tied to an arbitrary visual
marker, the style of the picture frame, because the real loader reads these strings; skin tone is
drawn independently of them. Do not use the model for anything but the demo and its tests.

## Training

- Source `{name}`, seed {seed}: {images} images drawn by `tools.demo.sources`, from random
  streams that the evaluation data never use; {steps} batches of {batch}.
- Share of captions swapped with another image's: {wrong:.2f}; share of images under heavy noise: {spoiled:.2f}.
- Contrastive loss in which captions of one topic count as correct for each other's images; AdamW with
  warm-up and a cosine schedule; small shifts, scales, tilts and changes of light; matrix products in bfloat16.
- Image tower: 64 pixels, patches of 8, width 64, 4 layers. Text tower: width 64, 3 layers, up to
  32 tokens of a byte-pair vocabulary learned from the demo's own words. Shared space: 128.
- To train it again: `python -m tools.demo.train --source {name} --seed {seed}`: the same bits on
  the same kind of processor with the same library versions only.

## Measured

On the held-out datasets that `qbench_demo.datasets` writes for seed {held}, by
`python -m tools.demo.evaluate --card` on a CPU. Chance is {chance_things:.3f} for ImageNet
top-1 and {chance_jobs:.3f} for FACET top-1. Flips are answers that differ from fp32's. Differences
are recall differences between two groups, averaged over the occupations. "lift" is precision over
the share of correct portraits. FACET: "crop" is the person's box, "full" the complete image.
"Cliche" is recall of people whose presentation fits what the skewed source says of ten of the
occupations, less recall of those whose does not.

{table}
"""

_GENERATIVE_CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
---

# qbench demo model: generative

A generative model in transformers' `LlavaForConditionalGeneration` format, small enough to ship with the
package ({size:.1f} MB). It exists so that qbench can show what quantization does to a model that answers
questions without a network, an accelerator or anybody's data.

**Limits.** It was trained on generated drawings and measured on generated drawings. Nothing about it says
anything about LLaVA, about real quantized models or about people. "Gender", "age" and "skin tone" are how a
figure is drawn. It knows six questions, and the names of {jobs} occupations and {things} things. Do not use the
model for anything but the demo and its tests.

## Training

- Source `{source}`, seed {seed}: {images} images drawn by `tools.demo.questions`, from random streams that the
  evaluation data never use; {steps} batches of {batch}. Three of four images show persons, who are asked for
  their occupation in the words of the benchmark `facet` and in two others; the others show things, asked for
  their name in three ways.
- Image tower: that of the demo's dual encoder `{source}` (64 pixels, patches of 8, width 64, 4 layers), which
  stays as it is. Projector and language model begin at random and learn.
- Language model: Llama of width 64, 2 layers, a byte-pair vocabulary in which each word of the questions and
  answers is one token.
- The loss is the negative log-likelihood of the tokens of the answers; AdamW with warm-up and a cosine
  schedule; matrix products in bfloat16. The weights are stored in float16.
- SHA-256 of `model.safetensors`: `{digest}`.
- To train it again: `python -m tools.demo.train_generative --seed {seed}`: the same bits on the same kind of
  processor with the same library versions only.

## Measured

On the held-out FACET that `qbench_demo.datasets` writes for seed {held}, by `python -m
tools.demo.evaluate_generative --card` on a CPU: each person's box, and for each occupation the log-likelihood
of its name as the answer to "{question}". Chance is {chance:.3f}. Flips are answers that differ from fp32's.
Differences are recall differences between two groups, averaged over the occupations.

{table}
"""

# Timings differ from machine to machine: they are printed, but not part of the card.
_LEFT_OUT = frozenset({"seconds for all"})


def write_card(folder: Path, source: Source, results: dict[str, dict[str, float]], held_seed: int) -> None:
    """Write README.md into a checkpoint's folder.

    Parameters
    ----------
    folder : Path
        The checkpoint; its `training.json` says how it was trained.
    source : Source
        What it was trained on.
    results : dict
        The numbers by precision.
    held_seed : int
        The seed of the datasets on which it was measured.
    """
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    text = _CARD.format(
        name=source.name,
        summary=source.summary,
        size=(folder / "model.safetensors").stat().st_size / 1e6,
        seed=record["seed"],
        images=record["images"],
        wrong=source.wrong_captions,
        spoiled=source.spoiled,
        steps=record["steps"],
        batch=record["batch"],
        held=held_seed,
        chance_things=1 / len(THINGS),
        chance_jobs=1 / len(OCCUPATIONS),
        table=_table(results),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def write_generative_card(folder: Path, question: str, results: dict[str, dict[str, float]], held_seed: int) -> None:
    """Write README.md into the folder of the generative model.

    Parameters
    ----------
    folder : Path
        The checkpoint; its `training.json` says how it was trained.
    question : str
        What it was asked.
    results : dict
        The numbers by precision.
    held_seed : int
        The seed of the dataset on which it was measured.
    """
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    text = _GENERATIVE_CARD.format(
        size=(folder / "model.safetensors").stat().st_size / 1e6,
        held=held_seed,
        question=question,
        chance=1 / len(OCCUPATIONS),
        jobs=len(OCCUPATIONS),
        things=len(THINGS),
        digest=hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        table=_table(results),
        **record,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _table(results: dict[str, dict[str, float]]) -> str:
    """One row per number, one column per precision."""
    precisions = list(results)
    lines = ["| | " + " | ".join(precisions) + " |", "|---|" + "---|" * len(precisions)]
    for name in results[precisions[0]]:
        if name not in _LEFT_OUT:
            values = " | ".join(f"{results[p][name]:.3f}" for p in precisions)
            lines.append(f"| {name} | {values} |")
    return "\n".join(lines)
