"""Measure the demo's generative model on held-out drawings: `python -m tools.demo.evaluate_generative`.

As `tools.demo.evaluate`, independent of qbench: the model is loaded with transformers only, and each answer is read on
its own, so that the numbers can be compared with qbench's. With `--card` it writes the model's card.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from qbench_demo import GENERATIVE, datasets
from qbench_demo.people import OCCUPATIONS
from tools.demo.card import write_generative_card
from tools.demo.evaluate import PRECISIONS, THREADS, cliche_gap, disparities, load, read_people
from tools.demo.questions import OF_PERSONS
from tools.demo.train_generative import NOT_LEARNED, answer_logits, image_features, make_rows

_AT_ONCE = 8
QUESTION = OF_PERSONS[0]


@torch.inference_mode()
def likelihoods(model: LlavaForConditionalGeneration, tokenizer: Any, pixels: np.ndarray, jobs: list[str]) -> Tensor:
    """Return the log-likelihood of each answer to the question, (images, jobs) float32.

    Parameters
    ----------
    model : transformers.LlavaForConditionalGeneration
        In eval mode.
    tokenizer : transformers.PreTrainedTokenizerFast
        Its tokenizer.
    pixels : numpy.ndarray
        (images, 64, 64, 3) uint8.
    jobs : list of str
        The answers.
    """
    rows = make_rows(tokenizer, [QUESTION] * len(jobs), [job.replace("_", " ") for job in jobs])
    # qbench does not count the token that ends an answer.
    rows["labels"] = torch.where(rows["labels"] == tokenizer.eos_token_id, NOT_LEARNED, rows["labels"])
    found = []
    for features in image_features(model, pixels).split(_AT_ONCE):
        several = {name: values.repeat(len(features), 1) for name, values in rows.items()}
        logits, tokens, places = answer_logits(model, features.repeat_interleave(len(jobs), dim=0), several)
        logs = torch.zeros(places.shape)
        logs[places] = logits.float().log_softmax(-1).gather(-1, tokens[:, None])[:, 0]
        found.append(logs.sum(-1).unflatten(0, (-1, len(jobs))))
    return torch.cat(found)


def evaluate(folder: Path, people: list[dict[str, str]], crops: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the numbers of the model in every precision."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, trust_remote_code=False)
    jobs = sorted(OCCUPATIONS)
    wanted = torch.tensor([jobs.index(row["class1"]) for row in people])
    results: dict[str, dict[str, float]] = {}
    baseline: Tensor | None = None
    for precision in PRECISIONS:
        answers = likelihoods(load(LlavaForConditionalGeneration, folder, precision), tokenizer, crops, jobs).argmax(1)
        baseline = answers if baseline is None else baseline
        hits = answers == wanted
        figures = {
            "facet top-1 (crop)": hits.float().mean().item(),
            "facet cliche - counter-cliche recall (crop)": cliche_gap(people, hits.tolist()),
        }
        for name, (signed, absolute) in disparities(people, hits.tolist()).items():
            figures[f"facet {name} mean (crop)"] = signed
            figures[f"facet {name} mean abs (crop)"] = absolute
        figures["facet flips (crop)"] = (answers != baseline).float().mean().item()
        results[precision] = figures
    return results


def main() -> None:
    """Measure the model, print the numbers and, if asked, write its card."""
    parser = argparse.ArgumentParser(description="Measure the demo's generative model on held-out drawings.")
    parser.add_argument("--seed", type=int, default=0, help="of the held-out dataset")
    parser.add_argument("--checkpoint", type=Path, default=GENERATIVE)
    parser.add_argument("--card", action="store_true", help="write the model's README.md")
    asked = parser.parse_args()
    torch.set_num_threads(THREADS)
    # LLM.int8 says at every product that it casts to half precision: known, and part of it.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as scratch:
        datasets.write_facet(Path(scratch), seed=asked.seed)
        people, crops, _ = read_people(Path(scratch))
    results = evaluate(asked.checkpoint, people, crops)
    for name in results[PRECISIONS[0]]:
        print(f"  {name:46s} " + "  ".join(f"{results[p][name]:12.4f}" for p in PRECISIONS), flush=True)
    if asked.card:
        write_generative_card(asked.checkpoint, QUESTION, results, asked.seed)


if __name__ == "__main__":
    main()
