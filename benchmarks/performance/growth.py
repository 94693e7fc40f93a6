"""Time and memory against the number of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from performance.inputs import write_images, write_spec
from performance.measured import qbench
from performance.page import Section, target

MODEL = "demo/balanced"
SIZE = (64, 64)
MEMORY = 1.1


def measure(folder: Path, counts: Sequence[int]) -> Section:
    """Run the demo's small checkpoint on 64 × 64 images, for each of `counts`."""
    taken = []
    for count in counts:
        at = folder / f"{count}"
        dataset = write_images(at / "images", count, SIZE)
        spec = write_spec(at / "growth.toml", [MODEL], dataset)
        taken.append(qbench("run", str(spec), "--out", str(at / "run"), "--no-report", cache=at / "cache"))
    rows = [
        (f"{n:,}", f"{t.seconds:.1f}", f"{t.cpu:.1f}", f"{t.anonymous_bytes / 1e6:.0f}")
        for n, t in zip(counts, taken, strict=True)
    ]
    each = [
        f"Between {a:,} and {b:,} images: {1e3 * (y.seconds - x.seconds) / (b - a):.2f} ms per further image."
        for a, b, x, y in zip(counts, counts[1:], taken, taken[1:], strict=False)
    ]
    growth = taken[-1].anonymous_bytes / taken[0].anonymous_bytes
    return Section(
        title="Growth with the number of images",
        how=f"JPEGs of 64 × 64, `{MODEL}` in fp32, an empty cache, no report. Memory is the most anonymous memory "
        "(`RssAnon`) of the process that embeds; pages of memory-mapped files are not counted, since the system takes "
        "them back when it needs them.",
        columns=("images", "seconds", "CPU seconds", "peak of anonymous memory, MB"),
        rows=rows,
        findings=(*each, target(f"Memory at {counts[-1]:,} images / at {counts[0]:,}", growth, MEMORY)),
    )
