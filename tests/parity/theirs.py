"""CLIP_benchmark's own evaluation of stored embeddings. Runs in an environment without qbench; see ``compare.py``.

Its models, loaders and tokenizers are stood in for by look-ups: a "image" is its embedding, a "token" a text's row.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from clip_benchmark.metrics import zeroshot_classification, zeroshot_retrieval

KS = (1, 5, 10)


class LookUp:
    """A model that was asked before."""

    def __init__(self, texts: torch.Tensor) -> None:
        self.texts = texts

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def encode_text(self, rows: torch.Tensor) -> torch.Tensor:
        return self.texts[rows]


class Batches(list):
    """What their evaluation asks of a loader."""

    dataset: object


def rows(texts: list[int]) -> torch.Tensor:
    """The tokenizer: a text is its row already."""
    return torch.tensor(texts)


def batches(images: torch.Tensor, answers: list, size: int) -> Batches:
    return Batches((images[i : i + size], answers[i : i + size]) for i in range(0, len(images), size))


def classification(folder: Path) -> dict[str, float]:
    data = np.load(folder / "classification.npz")
    images, texts, target = (torch.from_numpy(data[name]) for name in ("images", "texts", "target"))
    of_class = {c: np.flatnonzero(data["target_of"] == c).tolist() for c in range(int(data["classes"]))}
    loader = batches(images, target, 100)
    loader.dataset = type("Dataset", (), {"classes": list(of_class)})
    return zeroshot_classification.evaluate(LookUp(texts), loader, rows, list(of_class), of_class, "cpu", amp=False)


def retrieval(folder: Path) -> dict[str, float]:
    data = np.load(folder / "retrieval.npz")
    images, texts = torch.from_numpy(data["images"]), torch.from_numpy(data["texts"])
    captions = [np.flatnonzero(data["owner"] == i).tolist() for i in range(len(images))]
    loader = batches(images, captions, 32)
    return zeroshot_retrieval.evaluate(LookUp(texts), loader, rows, "cpu", amp=False, recall_k_list=list(KS))


if __name__ == "__main__":
    where = Path(sys.argv[1])
    (where / "theirs.json").write_text(json.dumps({**classification(where), **retrieval(where)}))
