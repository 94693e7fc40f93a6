"""The top of a gallery that is larger than memory, beside nothing but the product of its matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from performance.measured import Measured, python
from performance.page import Section, target

QUERIES, WIDTH, TOP, OWN = 300, 512, 1000, "own.npy"
RATIO, MEMORY_GIB = 2.0, 2.0
WHAT = {
    "product": "the product of the matrices alone, in float64, gallery read from the same file",
    "top": f"the {TOP:,} best of the gallery for each query",
    "recall": "the rank of each query's own image",
}


def measure(folder: Path, items: int) -> Section:
    """Rank a gallery of `items` embeddings, which are read from a file, each measurement in a process of its own."""
    gallery = write_gallery(folder / "gallery.npy", items)
    taken = {what: python("rank.py", what, str(gallery), str(QUERIES), str(TOP)) for what in WHAT}
    seconds = {what: _seconds(found) for what, found in taken.items()}
    return Section(
        title="A gallery that is larger than memory",
        how=f"{items:,} embeddings of {WIDTH} numbers in float32 ({gallery.stat().st_size / 2**30:.1f} GiB), which are "
        f"mapped from a file as in a run, and {QUERIES} queries. Similarities are computed in float64 and rounded, so "
        "that equal embeddings tie. Seconds are those of the work; memory (`RssAnon`) is that of the process with its "
        "imports. Whole rankings, which the metric NDKL needs and `fairface` and declared datasets store, are not part "
        f"of it: {QUERIES} of them of this gallery are {QUERIES * items * 4 / 2**30:.1f} GiB. That twice the time of "
        "the product is enough is a choice of ours.",
        columns=("what", "seconds", "peak of anonymous memory, GiB"),
        rows=[
            (what, f"{seconds[name]:.1f}", f"{taken[name].anonymous_bytes / 2**30:.2f}") for name, what in WHAT.items()
        ],
        findings=(
            target("The best of the gallery / the product alone", seconds["top"] / seconds["product"], RATIO),
            target("Its memory", taken["top"].anonymous_bytes / 2**30, MEMORY_GIB, unit=" GiB"),
            target("Memory of the ranks", taken["recall"].anonymous_bytes / 2**30, MEMORY_GIB, unit=" GiB"),
        ),
    )


def write_gallery(path: Path, items: int) -> Path:
    """Write random embeddings, a part at a time."""
    gallery = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(items, WIDTH))
    rng = np.random.default_rng(0)
    for start in range(0, items, 10_000):
        gallery[start : start + 10_000] = rng.standard_normal((min(10_000, items - start), WIDTH), dtype=np.float32)
    gallery.flush()
    return path


def _seconds(taken: Measured) -> float:
    return float(taken.output.split()[-1])
