"""The same embeddings, evaluated by qbench and by CLIP_benchmark: ``make parity``.

Embeddings are drawn here, written to a folder, and evaluated by ``theirs.py`` under the interpreter that is named on
the command line; then the numbers are compared to 1e-12. Drawn embeddings have no ties (peers differ on ties), and the
numbers of images and captions are powers of two, so that the peer's means in float32 are exact.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from qbench.api import Items
from qbench.probes.embedding.similarity import CosineSimilarity
from qbench_benchmarks.coco import Coco
from qbench_benchmarks.imagenet import ImageNet
from qbench_benchmarks.imagenet_classes import labels
from qbench_benchmarks.options import ImageNetOptions

TOLERANCE = 1e-12
WIDTH = 64
NAMES = {
    "acc1": "top1",
    "acc5": "top5",
    "mean_per_class_recall": "mean_recall",
    **{f"text_retrieval_recall@{k}": f"image_to_text_recall@{k}" for k in (1, 5, 10)},
    **{f"image_retrieval_recall@{k}": f"text_to_image_recall@{k}" for k in (1, 5, 10)},
}


def items_of(table: pd.DataFrame) -> Items:
    return Items(table=table.assign(image_index=np.arange(len(table))), images=(), root=Path())


def classification(folder: Path, rng: np.random.Generator) -> dict[str, float]:
    """4,096 images of 50 classes of unequal size, 7 templates a class, a third of the answers wrong."""
    classes, count = 50, 4096
    target = np.r_[np.arange(classes), rng.choice(classes, count - classes, p=rng.dirichlet(np.full(classes, 2.0)))]
    names = [f"{i}" for i in range(count)]
    items = items_of(pd.DataFrame({"item": names, "label": [labels()[c] for c in target], "image": names}))
    task = ImageNet(ImageNetOptions(classes="present", templates="simple-7"))
    prompts = task.prompts(items)
    centres = rng.normal(size=(classes, WIDTH))
    images = (centres[target] + 2.2 * rng.normal(size=(count, WIDTH))).astype(np.float32)
    texts = (centres[prompts.target_of] + rng.normal(size=(len(prompts.texts), WIDTH))).astype(np.float32)
    texts *= rng.uniform(0.5, 20, (len(texts), 1)).astype(np.float32)  # a mean of what is not normalised is another one
    np.savez(
        folder / "classification.npz",
        images=images, texts=texts, target=target, target_of=prompts.target_of, classes=classes,
    )  # fmt: skip
    return measured(task, CosineSimilarity(images, items.table["image_index"].to_numpy(), texts, prompts), items)


def retrieval(folder: Path, rng: np.random.Generator) -> dict[str, float]:
    """256 images with 1,024 captions: 1 to 7 each."""
    images, captions = 256, 1024
    owner = np.sort(np.r_[np.arange(images), rng.integers(0, images, captions - images)])
    counts = np.bincount(owner)
    names = [f"{i}" for i in range(images)]
    texts_of = pd.Series([[f"{i} {j}" for j in range(n)] for i, n in enumerate(counts)], dtype=object)
    items = items_of(pd.DataFrame({"item": names, "label": "", "image": names}).assign(captions=texts_of))
    task = Coco()
    prompts = task.prompts(items)
    images = rng.normal(size=(images, WIDTH)).astype(np.float32)
    texts = (images[owner] + 2.5 * rng.normal(size=(captions, WIDTH))).astype(np.float32)
    np.savez(folder / "retrieval.npz", images=images, texts=texts, owner=owner)
    return measured(task, CosineSimilarity(images, items.table["image_index"].to_numpy(), texts, prompts), items)


def measured(task: ImageNet | Coco, similarity: CosineSimilarity, items: Items) -> dict[str, float]:
    frame = task.measure(task.predict(similarity, items)).frame()
    whole = frame[(frame["group"] == "") & (frame["class"] == "")]
    return dict(zip(whole["metric"], whole["value"], strict=True))


def main(python: str) -> int:
    rng = np.random.default_rng(20410265)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = {**classification(folder, rng), **retrieval(folder, rng)}
        theirs_py = str(Path(__file__).with_name("theirs.py"))
        subprocess.run([python, "-W", "ignore", theirs_py, name], check=True, env={**os.environ, "TQDM_DISABLE": "1"})
        theirs = json.loads((folder / "theirs.json").read_text())
    worst = 0.0
    print(f"{'CLIP_benchmark':28}{'theirs':>20}{'qbench':>20}  difference")
    for their, our in NAMES.items():
        difference = abs(theirs[their] - ours[our])
        worst = max(worst, difference if difference == difference else np.inf)  # NaN is no agreement
        print(f"{their:28}{theirs[their]:20.15f}{ours[our]:20.15f}  {difference:.1e}  {our}")
    agrees = worst <= TOLERANCE
    said = "agree" if agrees else "do NOT agree"
    print(f"{len(NAMES)} numbers {said} to {TOLERANCE:g} (largest difference {worst:.1e})")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
