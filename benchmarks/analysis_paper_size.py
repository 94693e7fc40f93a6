"""How long judging a study of the paper's size takes, and how much memory: from stored outcomes to verdicts.

    python benchmarks/analysis_paper_size.py [--models 9] [--keep FOLDER]

Writes a run folder with made-up outcomes: models × 4 precisions on 50,000 ImageNet images, 5,000 COCO images with
25,010 captions, 50,000 FACET persons in 32,000 images, and 300 queries over 10,954 FairFace images. Writing it
takes minutes and is not counted; then ``qbench analyse`` and ``qbench report`` are timed, each in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from qbench.api import Benchmark, Outcome
from qbench.models.interface import Coverage
from qbench.plugins.options import options_dict
from qbench.runfolder.schema import CellRecord, RunRecord
from qbench.runfolder.writer import RunFolder
from qbench.store.keys import key_of
from qbench.vocabulary import CellStatus
from qbench_benchmarks import COCO, FACET, FAIRFACE, IMAGENET, imagenet_classes
from qbench_benchmarks.facet_classes import CLASSES
from qbench_benchmarks.fairface_table import ATTRIBUTES

MODELS = [f"{source}/ViT-{size}" for source in ("openai", "laion", "datacomp") for size in ("B-32", "B-16", "L-14")]
QUANTIZERS = {"fp32": 0.0, "hf-int8": 0.01, "hf-int4": 0.05, "torch-int8": 0.03}
ORIGIN = {"distribution": "qbench-vlm", "version": "0"}
QUERIES, GALLERY, PERSONS, IMAGES = 300, 10_954, 50_000, 32_000


def flipped(rng: np.random.Generator, right: np.ndarray, rate: float) -> np.ndarray:
    """Right answers with a share of them turned round."""
    return np.where(rng.random(len(right)) < rate, ~right, right)


def answers(table: pd.DataFrame, right: np.ndarray, names: list[str], margin: np.ndarray) -> pd.DataFrame:
    """Right answers as given; wrong ones are the next class."""
    label = pd.Categorical(table["label"], categories=names).codes.astype(np.int64)
    said = np.asarray(names, dtype=object)[np.where(right, label, (label + 1) % len(names))]
    rank = np.where(right, 0, 1)
    return table.assign(prediction=said, correct=right, rank=rank, margin=margin, runner_up_margin=np.abs(margin))


def imagenet(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, object]]:
    """Items and facts of ImageNet: 50 images a class."""
    names = list(imagenet_classes.labels())
    files = [f"val/{i}.JPEG" for i in range(50_000)]
    table = pd.DataFrame({"item": files, "image": files, "label": np.repeat(np.asarray(names, dtype=object), 50)})
    return table, {"classes": names, "chance": []}


def facet(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, object]]:
    """Items and facts of FACET: persons of unequal classes, several an image."""
    share = 1.0 / np.arange(1, len(CLASSES) + 1)
    table = pd.DataFrame(
        {
            "item": [str(i) for i in range(PERSONS)],
            "image": [f"{i}.jpg" for i in np.sort(rng.integers(IMAGES, size=PERSONS))],
            "label": rng.choice(np.asarray(CLASSES, dtype=object), PERSONS, p=share / share.sum()),
        }
    )
    for attribute in FACET.load(FACET.options()).attributes:
        table[attribute.name] = rng.choice(np.asarray([*attribute.groups, "na"], dtype=object), PERSONS)
    return table, {"classes": list(CLASSES), "chance": []}


def coco(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, object]]:
    """Items and facts of COCO: images, then captions."""
    files = np.asarray([f"val2017/{i}.jpg" for i in range(5000)], dtype=object)
    owner = np.sort(np.r_[np.tile(np.arange(5000), 5), np.arange(10)])
    table = pd.concat(
        [
            pd.DataFrame({"item": files, "image": files, "label": files, "direction": "image_to_text"}),
            pd.DataFrame(
                {
                    "item": [f"{files[o]}#{i}" for i, o in enumerate(owner)],
                    "image": files[owner],
                    "label": files[owner],
                    "direction": "text_to_image",
                }
            ),
        ],
        ignore_index=True,
    )
    return table, {"chance": []}


def fairface(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, object]]:
    """Items and facts of FairFace: a gallery, and queries."""
    files = [f"val/{i}.jpg" for i in range(GALLERY)]
    table = pd.DataFrame({"item": files, "image": files, "label": ""})
    for attribute in ATTRIBUTES:
        table[attribute.name] = rng.choice(np.asarray(attribute.groups, dtype=object), GALLERY)
    return table, {"queries": [f"query {i}" for i in range(QUERIES)], "target": "uniform", "chance": []}


def outcomes(record: Benchmark, model: int):
    """The outcome of each precision, one after the other."""
    made = {"imagenet": imagenet, "facet": facet, "coco": coco, "fairface": fairface}[record.name]
    table, facts = made(np.random.default_rng(7))
    rng = np.random.default_rng([model, len(table)])
    if record.name == "fairface":
        scores = rng.normal(size=(QUERIES, GALLERY)).astype(np.float32)
        for name, rate in QUANTIZERS.items():
            noisy = scores + rate * 3 * rng.normal(size=scores.shape).astype(np.float32)
            order = np.argsort(-noisy, axis=1).astype(np.int32)
            query = pd.Categorical.from_codes(
                np.repeat(np.arange(QUERIES, dtype=np.int16), GALLERY), categories=pd.Index(facts["queries"])
            )
            yield (
                name,
                Outcome(items=table, rankings=pd.DataFrame({"query": query, "item": order.ravel()}), facts=facts),
            )
        return
    right = rng.random(len(table)) < 0.6
    margin = np.where(right, 1, -1) * rng.exponential(0.02, len(table))
    for name, rate in QUANTIZERS.items():
        now = flipped(rng, right, rate)
        names = list(facts.get("classes", dict.fromkeys(table["label"])))
        yield name, Outcome(items=answers(table, now, names, margin), facts=facts)


def write(folder: Path, models: list[str]) -> None:
    """Write the run folder, cell by cell, with the benchmarks' own measures."""
    run = RunFolder(folder)
    cells = []
    for record in (IMAGENET, COCO, FACET, FAIRFACE):
        options = record.options(other_cuts=False) if record.name == "facet" else record.options()
        task = record.load(options)
        attributes = tuple(getattr(task, "attributes", ()))
        for i, model in enumerate(models):
            for quantizer, outcome in outcomes(record, i):
                key = key_of({"cell": [record.name, model, quantizer]})
                cell = run.cell(record.name, model, quantizer, key)
                cells.append(cell)
                info = {
                    **{"record": f"benchmarks:{record.name}", **ORIGIN, "protocol": record.protocol},
                    **{"options": options_dict(options), "metrics": record.metrics, "attributes": attributes},
                }
                source, _, size = model.partition("/")
                written = CellRecord(
                    **{"key": key, "status": CellStatus.DONE, "error": None, "model": model, "quantizer": quantizer},
                    **{"benchmark": record.name, "benchmark_info": info, "facts": outcome.facts},
                    model_info={"record": f"clip:{source}", **ORIGIN, "checkpoint": size, "fingerprint": model},
                    quantizer_info={
                        **{"record": f"quantizers:{quantizer}", **ORIGIN, "kind": "quantization", "bits": 8.0},
                        **{"batch_invariant": False, "device": "cpu", "options": {}},
                    },
                    data_info={
                        **{"root": "", "dataset": None, "note": "", "fingerprint": record.name},
                        **{"items": len(outcome.items), "limit": None},
                    },
                    batch={"size": 64, "order": "dataset", "other_orders": 0},
                    coverage=Coverage(layers=(), total_parameters=0, model_bytes=None),
                )
                run.write_cell(cell, written, outcome=outcome, metrics=task.measure(outcome).frame())
        print(f"written: {record.name}", file=sys.stderr, flush=True)
    run.write_run(RunRecord(name="paper-size", baseline="fp32", cells=tuple(cells)))


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds, and peak resident memory in GiB, of a command."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "qbench.cli", *command], check=True, stdout=subprocess.DEVNULL)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # the largest child so far
    return time.perf_counter() - begun, peak / 2**20


def main() -> None:
    """Write, then time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=len(MODELS), help="how many of the nine")
    parser.add_argument("--keep", type=Path, help="where to write the run folder, or one that was written before")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary) / "run"
        if not (folder / "run.json").exists():
            write(folder, MODELS[: given.models])
        for command in (["analyse", str(folder)], ["report", str(folder)]):
            seconds, peak = timed(command)
            print(f"qbench {command[0]}: {seconds:.1f} s, peak memory up to here {peak:.2f} GiB")


if __name__ == "__main__":
    main()
