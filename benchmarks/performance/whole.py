"""A whole run beside its forward passes alone, and the same run again after an option of a metric was changed."""

from __future__ import annotations

from pathlib import Path

from performance.inputs import describe, write_images, write_spec
from performance.measured import python, qbench
from performance.page import Section, target
from qbench_clip.untrained import write_untrained

SIZE, BATCH = "ViT-B-32", 64
LIMIT, SECOND_SHARE, SECOND_SECONDS = 1.10, 0.03, 2.5


def measure(folder: Path, images: int) -> Section:
    """Evaluate `images` photographs with one model in fp32; forward passes are timed before and after the run."""
    dataset, weights = write_images(folder / "photographs", images), folder / SIZE
    write_untrained(SIZE, weights)
    spec, out, cache = write_spec(folder / "whole.toml", [weights], dataset), folder / "run", folder / "cache"
    command = ("run", str(spec), "--out", str(out), "--no-report")
    forward = [_forward(images)]
    first = qbench(*command, cache=cache)
    forward.append(_forward(images))
    describe(dataset, min_group=20)
    second = qbench(*command, cache=cache)
    alone = sum(forward) / len(forward)
    return Section(
        title="A whole run and its forward passes",
        how=f"{images:,} JPEGs of 500 × 375, {SIZE} in fp32, batches of {BATCH}, an empty cache, no report. The whole "
        "process is timed: start, imports, hashing, decoding, loading, embedding, metrics, analysis. The second run "
        "has another `min_group`, an option of the metric.",
        columns=("what", "seconds", "CPU seconds"),
        rows=(
            *((f"forward passes alone, {when} the run", f"{s:.1f}", "") for when, s in zip(WHEN, forward, strict=True)),
            ("`qbench run`", f"{first.seconds:.1f}", f"{first.cpu:.1f}"),
            ("`qbench run`, another option of the metric", f"{second.seconds:.2f}", f"{second.cpu:.2f}"),
        ),
        findings=(
            target("Whole run / forward passes alone", first.seconds / alone, LIMIT),
            target("Second run / first run", second.seconds / first.seconds, SECOND_SHARE),
            target("Second run", second.seconds, SECOND_SECONDS, unit=" s"),
        ),
    )


WHEN = ("before", "after")


def _forward(images: int) -> float:
    return float(python("forward.py", SIZE, str(images), str(BATCH), "float32").output.split()[-1])
