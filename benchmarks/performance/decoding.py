"""Images decoded per second against the number of processes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from performance.inputs import name_of
from performance.page import Section, target
from qbench.api import FolderSource, Geometry, ImageLocation
from qbench.images.pixel_store import pixel_store
from qbench.images.workers import cores
from qbench.store.cache import Cache

EFFICIENCY = 0.8
SIDE = 224
DOUBLED = tuple(2**i for i in range(8))


def measure(folder: Path, dataset: Path, images: int, processes: Iterable[int] = DOUBLED) -> Section:
    """Decode photographs into an empty pixel store with some numbers of processes, and with one per core."""
    root = dataset / "images"
    source = FolderSource(root)
    locations = [ImageLocation(source, name_of(number)) for number in range(images)]
    digests = [hashlib.sha256((root / name_of(number)).read_bytes()).hexdigest() for number in range(images)]
    geometry, counts = Geometry(size=SIDE), sorted({*(n for n in processes if n <= cores()), cores()})
    rates = {}
    for workers in counts:
        cache = Cache(folder / f"cache-{workers}")
        begun = time.perf_counter()
        pixel_store(cache, locations, "drawn", geometry, digests=digests, workers=workers)
        rates[workers] = images / (time.perf_counter() - begun)
    efficiency = rates[cores()] / (cores() * rates[1])
    return Section(
        title="Decoding and the number of processes",
        how=f"{images:,} JPEGs of 500 × 375 are decoded to {SIDE} × {SIDE} pixels, written to the pixel store and "
        "flushed to the disk. The start and the end of the processes count.",
        columns=("processes", "images/s", "images/s per process"),
        rows=[(f"{n}", f"{rate:.0f}", f"{rate / n:.0f}") for n, rate in rates.items()],
        findings=(target(f"Rate of {cores()} processes / ({cores()} × one)", efficiency, EFFICIENCY, at_most=False),),
    )
