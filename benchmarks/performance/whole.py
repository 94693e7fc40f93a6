"""A whole run beside its forward passes alone, and the same run again after an option of a metric was changed."""

from __future__ import annotations

from pathlib import Path

from performance.inputs import describe, write_spec
from performance.measured import python, qbench
from performance.page import Section, target
from qbench_clip.untrained import write_untrained

SIZE, BATCH = "ViT-B-32", 64
LIMIT, SECOND_SHARE, SECOND_SECONDS = 1.10, 0.03, 2.5


def measure(folder: Path, dataset: Path, images: int) -> Section:
    """Evaluate the `images` photographs of `dataset` with one model in fp32.

    Of the forward passes alone, half are timed before the run and half after it, so that a machine that becomes slower
    or faster does so for both.
    """
    weights, half = folder / SIZE, images // 2
    write_untrained(SIZE, weights)
    spec, out, cache = write_spec(folder / "whole.toml", [weights], dataset), folder / "run", folder / "cache"
    command = ("run", str(spec), "--out", str(out), "--no-report")
    forward = [_forward(half)]
    first = qbench(*command, cache=cache)
    forward.append(_forward(images - half))
    describe(dataset, min_group=20)
    second = qbench(*command, cache=cache)
    alone = sum(forward)
    return Section(
        title="A whole run and its forward passes",
        how=f"{images:,} JPEGs of 500 × 375, {SIZE} in fp32, batches of {BATCH}, an empty cache, no report. The whole "
        "process is timed: start, imports, hashing, decoding, loading, embedding, metrics, analysis. The second run "
        "has another `min_group`, an option of the metric.",
        columns=("what", "seconds", "CPU seconds"),
        rows=(
            *((f"forward passes alone, {half}", f"{s:.1f}", "") for half, s in zip(HALVES, forward, strict=True)),
            ("`qbench run`", f"{first.seconds:.1f}", f"{first.cpu:.1f}"),
            ("`qbench run`, another option of the metric", f"{second.seconds:.2f}", f"{second.cpu:.2f}"),
        ),
        findings=(
            target("Whole run / forward passes alone", first.seconds / alone, LIMIT),
            target("Second run / first run", second.seconds / first.seconds, SECOND_SHARE),
            target("Second run", second.seconds, SECOND_SECONDS, unit=" s"),
        ),
    )


HALVES = ("half of the images, before the run", "the other half, after it")


def _forward(images: int) -> float:
    return float(python("forward.py", SIZE, str(images), str(BATCH), "float32").output.split()[-1])
