"""One measurement of a gallery: ``python rank.py WHAT GALLERY QUERIES TOP`` prints its seconds."""

import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from qbench.api import Prompts
from qbench.metrics.retrieval import text_to_image
from qbench.metrics.top import top_items
from qbench.probes.embedding.similarity import ROWS, CosineSimilarity

Embeddings = npt.NDArray[np.float32]


def product(gallery: Embeddings, texts: Embeddings, top: int) -> None:
    """Multiply, and keep nothing."""
    queries = texts.astype(np.float64).T
    for start in range(0, len(gallery), ROWS):
        gallery[start : start + ROWS].astype(np.float64) @ queries


def best(gallery: Embeddings, texts: Embeddings, top: int) -> None:
    """The best of the gallery for each query."""
    top_items(_similarity(gallery, texts), top)


def recall(gallery: Embeddings, texts: Embeddings, top: int) -> None:
    """The rank of one image for each query."""
    text_to_image(_similarity(gallery, texts), np.linspace(0, len(gallery) - 1, len(texts)).astype(np.int64))


def _similarity(gallery: Embeddings, texts: Embeddings) -> CosineSimilarity:
    names = tuple(map(str, range(len(texts))))
    prompts = Prompts(texts=names, targets=names, target_of=np.arange(len(texts)), pool=False)
    return CosineSimilarity(gallery, np.arange(len(gallery)), texts, prompts)


WHAT: dict[str, Callable[[Embeddings, Embeddings, int], None]] = {"product": product, "top": best, "recall": recall}

if __name__ == "__main__":
    mapped = np.load(sys.argv[2], mmap_mode="r")
    drawn = np.random.default_rng(1).standard_normal((int(sys.argv[3]), mapped.shape[1]), dtype=np.float32)
    begun = time.perf_counter()
    WHAT[sys.argv[1]](mapped, drawn, int(sys.argv[4]))
    print(time.perf_counter() - begun)
