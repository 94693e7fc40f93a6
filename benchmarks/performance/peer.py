"""The same job by CLIP_benchmark 1.6.2: zero-shot classification of the same images with the same weights."""

from __future__ import annotations

import json
from pathlib import Path

from performance.inputs import CLASSES, TEMPLATE, WEIGHTS, write_images, write_spec, write_weights
from performance.measured import measured, python, qbench
from performance.page import Section, target
from qbench import load
from qbench.images.workers import cores

SIZE, ARCHITECTURE, BATCH = "ViT-B-32", "ViT-B-32-quickgelu", 64
SHARE = 0.9
DATASET = "imagenet_sketch"
"""The name under which CLIP_benchmark reads a folder of images by class; classes and template are ours."""
DTYPES = {"fp32": "float32", "bf16": "bfloat16"}


def measure(folder: Path, images: int, grid_images: int, interpreter: str) -> Section:
    """Run both jobs with both programs; `interpreter` is the Python of an environment that has CLIP_benchmark."""
    weights = [write_weights(folder / f"model-{seed}", ARCHITECTURE, seed) for seed in range(3)]
    alone = {precision: _seconds_per_image(images, dtype) for precision, dtype in DTYPES.items()}
    rows, findings = [], []
    for name, count, number, precisions in (
        ("one model, fp32", images, 1, ("fp32",)),
        ("three models × {fp32, bf16}", grid_images, 3, tuple(DTYPES)),
    ):
        job, dataset = f"{name}, {count:,} images", write_images(folder / f"photographs-{number}", count)
        spec = write_spec(folder / f"job-{number}.toml", weights[:number], dataset, precisions)
        out = folder / f"run-{number}"
        ours = qbench("run", str(spec), "--out", str(out), "--no-report", cache=folder / f"cache-{number}")
        accuracies, seconds = {}, 0.0
        for precision in precisions:
            for model in weights[:number]:
                theirs, accuracy = _theirs(folder, dataset, model, precision, interpreter)
                seconds, accuracies[model.name, precision] = seconds + theirs, accuracy
        limit = sum(alone[precision] * count * number for precision in precisions)
        differs = _largest_difference(out, accuracies)
        rows.append(
            (job, f"{limit:.1f}", f"{ours.seconds:.1f}", f"{seconds:.1f}", f"{seconds / ours.seconds:.2f}",
             f"{seconds / limit:.2f}", f"{differs:.4f}")
        )  # fmt: skip
        findings.append(target(f"{job}: ratio / best possible ratio", limit / ours.seconds, SHARE, at_most=False))
    return Section(
        title="The same job by CLIP_benchmark 1.6.2",
        how=f"Zero-shot classification of JPEGs of 500 × 375 in {len(CLASSES)} classes with one template, "
        f"{SIZE} with random weights in open_clip's format, batches of {BATCH}, on the CPU. Both programs are timed "
        "from the start of the process to its end, with empty caches; CLIP_benchmark has an environment of its own "
        "(`tests/parity/requirements.txt`), is started once per model and precision, as it is used, with as many "
        "loading processes as there are cores; its bf16 is autocast, that of qbench a cast. The best possible ratio is "
        f"that of a program that does nothing but forward passes, which were timed on {images:,} images.",
        columns=("job", "forward passes, s", "qbench, s", "CLIP_benchmark, s", "ratio", "best possible ratio",
                 "largest difference in accuracy, fp32"),
        rows=rows,
        findings=findings,
    )  # fmt: skip


def _seconds_per_image(images: int, dtype: str) -> float:
    """Seconds of the forward passes alone, ten texts included."""
    return float(python("forward.py", SIZE, str(images), str(BATCH), dtype).output.split()[-1]) / images


def _theirs(folder: Path, dataset: Path, model: Path, precision: str, interpreter: str) -> tuple[float, float]:
    """Seconds and accuracy of CLIP_benchmark."""
    names, templates, result = (folder / f"{name}.json" for name in ("classes", "templates", "result"))
    names.write_text(json.dumps({DATASET: list(CLASSES)}), encoding="utf-8")
    templates.write_text(json.dumps({DATASET: [TEMPLATE.replace("{}", "{c}")]}), encoding="utf-8")
    command = [
        *(interpreter, "-W", "ignore", "-m", "clip_benchmark.cli", "eval", "--quiet"),
        *("--dataset", DATASET, "--dataset_root", str(dataset / "images"), "--task", "zeroshot_classification"),
        *("--model", ARCHITECTURE, "--pretrained", str(model / WEIGHTS), "--batch_size", str(BATCH)),
        *("--num_workers", str(cores()), "--output", str(result)),
        *("--custom_classname_file", str(names), "--custom_template_file", str(templates)),
        *(("--no_amp",) if precision == "fp32" else ()),
    ]
    seconds = measured(command).seconds
    return seconds, float(json.loads(result.read_text(encoding="utf-8"))["metrics"]["acc1"])


def _largest_difference(run: Path, theirs: dict[tuple[str, str], float]) -> float:
    """The largest difference in accuracy between both programs, over the models in fp32."""
    table = load(run).metrics
    whole = table[(table["metric"] == "accuracy") & (table["group"] == "") & (table["class"] == "")]
    ours = whole.set_index(["model", "quantizer"])["value"]
    return max(abs(ours[model, "fp32"] - value) for (model, precision), value in theirs.items() if precision == "fp32")
