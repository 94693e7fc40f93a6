"""Every built-in quantizer on a device: how near to the CPU's fp32, whether repeatable, how fast. Made for GPUs.

Run: ``python benchmarks/device_check.py --device cuda > result.md`` (minutes; about 4 GB of memory for the ViT-L/14).
``--sizes ViT-B-32`` and ``--images 64`` make it small enough for a CPU. The weights of the full sizes are random: speed
and agreement between devices are those of any checkpoint of the size, the distance of a quantizer is not. After that
the preset `demo-sources` runs on the device and on the CPU, and their numbers are compared.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import qbench
from qbench.execution.model_names import find_model
from qbench.execution.quiet import quiet
from qbench.execution.single import built
from qbench.models.numerics import numerics
from qbench.plugins.registry import installed
from qbench.spec.words import read_quantizer
from qbench_clip.untrained import write_untrained

VARIANTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fp32", ()),
    ("fp16", ()),
    ("bf16", ()),
    ("hf-int8", ()),
    ("hf-int8", ("dtype=float16",)),
    ("hf-int4", ()),
    ("hf-int4", ("dtype=bfloat16", "compute_dtype=bfloat16")),
    ("hf-int4", ("block_size=128",)),
    ("prune-magnitude", ()),
    ("ao-int8wo", ()),
    ("ao-int8dq", ()),
    ("ao-float8wo", ()),
    ("ao-float8dq", ()),
    ("ao-int4", ()),
    ("ao-intx", ()),
)
TEXTS = [f"a photo of {count} things on a table" for count in ("one", "two", "three", "four", "five", "six", "seven")]
COLUMNS = (
    *("variant", "median cosine to fp32 on the CPU", "smallest", "two builds equal", "largest change, other batches"),
    *("images/s", "slowest – fastest", "coverage", "bits per weight", "note"),
)
Floats = npt.NDArray[np.float32]


def cosine(first: Floats, second: Floats) -> npt.NDArray[np.float64]:
    """Cosine of each pair of rows: ``(n, d)`` twice → ``(n,)``."""
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first.astype(float), second.astype(float)))
    return np.asarray((a * b).sum(axis=1))


def embedded(encoder: Any, pixels: npt.NDArray[np.uint8], size: int) -> Floats:
    """All images in batches of `size`."""
    parts = [encoder.encode_images(pixels[start : start + size]) for start in range(0, len(pixels), size)]
    return np.concatenate(parts)


def rates(encoder: Any, pixels: npt.NDArray[np.uint8], repeats: int) -> list[float]:
    """Images per second of each of `repeats` batches, after one that is not timed. The results are on the CPU."""
    encoder.encode_images(pixels)
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        encoder.encode_images(pixels)
        found.append(len(pixels) / (time.perf_counter() - begun))
    return found


def row(folder: Path, quantizer: str, options: tuple[str, ...], device: str, pixels: Any, base: Any) -> list[str]:
    """One variant as cells of the table."""

    def open_variant() -> Any:
        model, method = find_model(str(folder), installed()), read_quantizer(quantizer, options)
        return built(model, method, device=device, registry=installed())

    with open_variant() as made:
        label, variant, encoder = made.quantizer.label, made.variant, made.variant.encoder
        images, texts = embedded(encoder, pixels, 32), encoder.encode_texts(TEXTS)
        other = embedded(encoder, pixels, 24)
        speed = rates(encoder, pixels, 5)
        coverage = variant.coverage
    with open_variant() as again:
        equal = np.array_equal(embedded(again.variant.encoder, pixels, 32), images)
    near = np.concatenate([cosine(images, base[0]), cosine(texts, base[1])])
    return [
        f"`{label}`",
        f"{np.median(near):.7f}",
        f"{near.min():.7f}",
        "yes" if equal else "no",
        f"{np.abs(other - images).max():.2g}",
        f"{statistics.median(speed):,.0f}",
        f"{min(speed):,.0f} – {max(speed):,.0f}",
        f"{100 * coverage.share():.1f} %",
        f"{coverage.bits_per_weight:.2f}",
        variant.note or "–",
    ]


def table(size: str, device: str, count: int) -> None:
    """Print the table of one size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / size
        with quiet(Path(name) / "log"):
            write_untrained(size, folder)
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)
        with built(
            find_model(str(folder), installed()), read_quantizer("fp32", ()), device="cpu", registry=installed()
        ) as made:
            encoder = made.variant.encoder
            base = embedded(encoder, pixels, 32), encoder.encode_texts(TEXTS)
        print(f"\n## {size}, random weights, {count} images\n", flush=True)
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
        for quantizer, options in VARIANTS:
            try:
                cells = row(folder, quantizer, options, device, pixels, base)
            except Exception as error:  # noqa: BLE001 - one that fails is a row too
                cells = [f"`{quantizer}` {' '.join(options)}", f"{type(error).__name__}: {error}".splitlines()[0]]
            print(f"| {' | '.join(cells)} |", flush=True)


def demo(device: str) -> None:
    """Run the demo on both devices and compare every number."""
    frames = {}
    with tempfile.TemporaryDirectory() as name:
        for kind in ("cpu", device):
            begun = time.perf_counter()
            spec = {**qbench_demo_spec(), "device": kind, "noise": 1 if kind == device else 0}
            results = qbench.run(spec, out=Path(name) / kind.replace(":", "-"))
            failed = results.cells[results.cells["status"] != "done"]
            frames[kind] = results.metrics
            print(f"\n{kind}: {len(results.cells) - len(failed)} of {len(results.cells)} cells in", end=" ")
            print(f"{time.perf_counter() - begun:.0f} s", flush=True)
            for text in failed["error"].drop_duplicates():
                print(f"- failed: {text}")
    keys = [c for c in frames["cpu"] if c not in ("value", "n")]
    both = frames["cpu"].merge(frames[device], on=keys, suffixes=("_cpu", "_device"), validate="one_to_one")
    both["differs"] = (both["value_cpu"] - both["value_device"]).abs()
    print("\n| quantizer | numbers | equal | largest difference |\n|---|---|---|---|")
    for quantizer, part in both.groupby("quantizer", sort=False):
        equal = int((part["differs"].fillna(0) == 0).sum())
        print(f"| `{quantizer}` | {len(part):,} | {equal:,} | {part['differs'].max():.4g} |")


def qbench_demo_spec() -> dict[str, Any]:
    """The larger preset of the demo, as plain values."""
    from qbench.spec.read import read_spec

    return read_spec("demo-sources").model_dump()


def main() -> None:
    """Read the command line and print everything as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", nargs="*", default=["ViT-B-32", "ViT-L-14"])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--no-demo", action="store_true")
    arguments = parser.parse_args()
    print(f"# {numerics(arguments.device)}", flush=True)
    for size in arguments.sizes:
        table(size, arguments.device, arguments.images)
    if not arguments.no_demo:
        demo(arguments.device)


if __name__ == "__main__":
    main()
