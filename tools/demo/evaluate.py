"""Measure the demo's models on the held-out datasets: `python -m tools.demo.evaluate`.

Deliberately independent of qbench: it reads the files of the datasets itself and loads the models with transformers
only, so that its numbers can be compared with qbench's. With `--card` it writes each model's card; all its numbers are
measured here.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import math
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers import BitsAndBytesConfig, CLIPModel, CLIPTokenizer

from qbench_demo import CHECKPOINTS, datasets
from qbench_demo.portraits import GENDERS, RACES, Portrait
from qbench_demo.things import THINGS
from tools.demo.card import write_card
from tools.demo.sources import SOURCES, as_input
from tools.demo.train import MEAN, STD
from tools.demo.training_captions import FAIRFACE_QUERIES, imagenet_prompts, occupation_prompt
from tools.demo.training_population import CLICHES

_BATCH = 64
THREADS = 2
_TOP = 100
PRECISIONS = ("fp32", "bnb-int8", "bnb-nf4", "dynamic-int8")

# Which portraits are correct answers to each of the queries.
_RELEVANT: dict[str, Callable[[Portrait], bool]] = dict(
    zip(
        FAIRFACE_QUERIES,
        (
            lambda p: p.mood == "smiling",
            lambda p: p.mood == "sad",
            lambda p: p.mood == "surprised",
            lambda p: p.glasses,
            lambda p: p.hat,
            lambda p: p.headphones,
            lambda p: p.closed,
            lambda p: p.shirt == "red" and not p.striped,
            lambda p: p.shirt == "blue" and not p.striped,
            lambda p: p.striped,
        ),
        strict=True,
    )
)


AnyModel = TypeVar("AnyModel", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Held:
    """The held-out datasets, decoded: images as uint8, and the annotations of each."""

    things: np.ndarray
    thing_labels: list[int]
    scenes: np.ndarray
    captions: list[str]
    caption_owner: list[int]
    crops: np.ndarray
    fulls: np.ndarray
    people: list[dict[str, str]]
    faces: np.ndarray
    portraits: list[Portrait]


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The normalised embeddings of one model variant for everything in `Held`, and the seconds they took."""

    things: Tensor
    classes: Tensor
    scenes: Tensor
    captions: Tensor
    crops: Tensor
    fulls: Tensor
    jobs: Tensor
    faces: Tensor
    queries: Tensor
    seconds: float


def read_held_out(root: Path, seed: int) -> Held:
    """Write the four datasets for a seed under `root` and read them back from their files."""
    for name in ("imagenet", "coco", "facet", "fairface"):
        getattr(datasets, f"write_{name}")(root / name, seed=seed)
    things, labels = [], []
    for index, thing in enumerate(THINGS.values()):
        for path in sorted((root / "imagenet" / "val" / thing.synset).iterdir()):
            things.append(as_input(Image.open(path)))
            labels.append(index)
    text = (root / "coco" / "annotations" / "captions_val2017.json").read_text(encoding="utf-8")
    document = json.loads(text)
    place = {image["id"]: k for k, image in enumerate(document["images"])}
    scenes = [as_input(Image.open(root / "coco" / "val2017" / image["file_name"])) for image in document["images"]]
    people, crops, fulls = read_people(root / "facet")
    drawn = [portrait for portrait, _ in datasets.draw_fairface(seed, datasets.DEFAULT_SIZE)]
    faces = [as_input(Image.open(root / "fairface" / "val" / f"{k + 1}.jpg")) for k in range(len(drawn))]
    return Held(
        things=np.stack(things),
        thing_labels=labels,
        scenes=np.stack(scenes),
        captions=[entry["caption"] for entry in document["annotations"]],
        caption_owner=[place[entry["image_id"]] for entry in document["annotations"]],
        crops=crops,
        fulls=fulls,
        people=people,
        faces=np.stack(faces),
        portraits=drawn,
    )


def read_people(root: Path) -> tuple[list[dict[str, str]], np.ndarray, np.ndarray]:
    """Return the annotations of the persons of a FACET, and of each the box and the complete image."""
    files = {path.name: path for path in root.glob("imgs_*/*.jpg")}
    with (root / "annotations" / "annotations.csv").open(encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    crops, fulls = [], []
    for row in people:
        box = json.loads(row["bounding_box"])
        image = Image.open(files[row["filename"]])
        right, bottom = box["x"] + box["width"], box["y"] + box["height"]
        crops.append(as_input(image.crop((box["x"], box["y"], right, bottom))))
        fulls.append(as_input(image))
    return people, np.stack(crops), np.stack(fulls)


def load(kind: type[AnyModel], folder: Path, precision: str) -> AnyModel:
    """Load a model of a class of transformers in one of the four precisions, all on the CPU."""
    if precision == "bnb-nf4":
        wanted = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    elif precision == "bnb-int8":
        wanted = BitsAndBytesConfig(load_in_8bit=True)
    else:
        wanted = None
    model: AnyModel = kind.from_pretrained(  # type: ignore[attr-defined]  # a class of transformers
        folder, dtype=torch.float32, quantization_config=wanted, trust_remote_code=False
    )
    model.eval()
    if precision == "dynamic-int8":
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            warnings.filterwarnings("ignore", category=UserWarning)
            model = torch.ao.quantization.quantize_dynamic(model, {nn.Linear})
    return model


def embed(model: CLIPModel, tokenizer: Any, held: Held) -> Embedded:
    """Embed all images and texts."""
    began = time.monotonic()
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]

    def images(pixels: np.ndarray) -> Tensor:
        found = []
        for part in torch.from_numpy(pixels).split(_BATCH):
            values = (part.permute(0, 3, 1, 2).float() / 255 - mean) / std
            found.append(model.get_image_features(values).pooler_output.float())
        return nn.functional.normalize(torch.cat(found), dim=-1)

    def texts(said: Sequence[str]) -> Tensor:
        found = []
        for start in range(0, len(said), 4 * _BATCH):
            tokens = tokenizer(
                list(said[start : start + 4 * _BATCH]),
                padding=True,
                truncation=True,
                return_tensors="pt",
            )
            found.append(model.get_text_features(**tokens).pooler_output.float())
        return nn.functional.normalize(torch.cat(found), dim=-1)

    with torch.inference_mode():
        prompts = [prompt for name in THINGS for prompt in imagenet_prompts(name)]
        by_class = texts(prompts).unflatten(0, (len(THINGS), -1)).mean(1)
        jobs = sorted({row["class1"] for row in held.people})
        return Embedded(
            things=images(held.things),
            classes=nn.functional.normalize(by_class, dim=-1),
            scenes=images(held.scenes),
            captions=texts(held.captions),
            crops=images(held.crops),
            fulls=images(held.fulls),
            jobs=texts([occupation_prompt(job) for job in jobs]),
            faces=images(held.faces),
            queries=texts(FAIRFACE_QUERIES),
            seconds=time.monotonic() - began,
        )


def disparities(rows: list[dict[str, str]], hits: list[bool]) -> dict[str, tuple[float, float]]:
    """Return the mean signed and mean absolute recall difference over occupations, by attribute."""

    def tone(row: dict[str, str]) -> float:
        votes = [int(row[f"skin_tone_{k}"]) for k in range(1, 11)]
        return sum(k * v for k, v in enumerate(votes, 1)) / sum(votes) if sum(votes) else math.nan

    splits: dict[str, tuple[Callable[[dict[str, str]], bool], Callable[[dict[str, str]], bool]]] = {
        "masc - fem": (
            lambda row: row["gender_presentation_masc"] == "1",
            lambda row: row["gender_presentation_fem"] == "1",
        ),
        "light - dark": (lambda row: tone(row) <= 5.5, lambda row: tone(row) > 5.5),
        "middle - older": (
            lambda row: row["age_presentation_middle"] == "1",
            lambda row: row["age_presentation_older"] == "1",
        ),
    }
    found = {}
    for name, groups in splits.items():
        differences = []
        for job in sorted({row["class1"] for row in rows}):
            pair = list(zip(rows, hits, strict=True))
            first, second = ([hit for row, hit in pair if row["class1"] == job and group(row)] for group in groups)
            if first and second:
                differences.append(sum(first) / len(first) - sum(second) / len(second))
        signed = sum(differences) / len(differences)
        found[name] = signed, sum(map(abs, differences)) / len(differences)
    return found


def cliche_gap(rows: list[dict[str, str]], hits: list[bool]) -> float:
    """Return recall of people as the cliches have them minus recall of those against them."""
    fitting, against = [], []
    for row, hit in zip(rows, hits, strict=True):
        for masc, fem in CLICHES:
            if row["class1"] in (masc, fem):
                usual, other = ("masc", "fem") if row["class1"] == masc else ("fem", "masc")
                if row[f"gender_presentation_{usual}"] == "1":
                    fitting.append(hit)
                elif row[f"gender_presentation_{other}"] == "1":
                    against.append(hit)
    return sum(fitting) / len(fitting) - sum(against) / len(against)


def _max_skew(ranked: Tensor, labels: Sequence[str], groups: Sequence[str]) -> float:
    """Return MaxSkew at the depth of `ranked`, over its queries, against uniform shares."""
    worst = []
    for row in ranked.tolist():
        shares = [max(1, sum(labels[k] == g for k in row)) / len(row) for g in groups]
        worst.append(max(math.log(share * len(groups)) for share in shares))
    return sum(worst) / len(worst)


def measure(held: Held, found: Embedded) -> dict[str, float]:
    """Return all numbers of one model variant."""
    labels = torch.tensor(held.thing_labels)
    jobs = sorted({row["class1"] for row in held.people})
    wanted = torch.tensor([jobs.index(row["class1"]) for row in held.people])
    figures = {"imagenet top-1": (_best(found.things, found.classes) == labels).float().mean().item()}
    for view, vectors in (("crop", found.crops), ("full", found.fulls)):
        hits = _best(vectors, found.jobs) == wanted
        figures[f"facet top-1 ({view})"] = hits.float().mean().item()
        figures[f"facet cliche - counter-cliche recall ({view})"] = cliche_gap(held.people, hits.tolist())
        for name, (signed, absolute) in disparities(held.people, hits.tolist()).items():
            figures[f"facet {name} mean ({view})"] = signed
            figures[f"facet {name} mean abs ({view})"] = absolute
    owner = torch.tensor(held.caption_owner)
    scores = found.scenes @ found.captions.T
    for depth in (1, 5):
        to_text = owner[scores.topk(depth, dim=1).indices] == torch.arange(len(scores))[:, None]
        to_image = scores.topk(depth, dim=0).indices == owner[None, :]
        figures[f"coco image to text R@{depth}"] = to_text.any(1).float().mean().item()
        figures[f"coco text to image R@{depth}"] = to_image.any(0).float().mean().item()
    ranked = (found.queries @ found.faces.T).topk(_TOP, dim=1).indices
    precisions, lifts = [], []
    for row, query in zip(ranked.tolist(), FAIRFACE_QUERIES, strict=True):
        correct = [_RELEVANT[query](portrait) for portrait in held.portraits]
        precisions.append(sum(correct[k] for k in row[:50]) / 50)
        lifts.append(precisions[-1] / (sum(correct) / len(correct)))
    figures["fairface precision@50"] = sum(precisions) / len(precisions)
    figures["fairface lift@50"] = sum(lifts) / len(lifts)
    races = [portrait.race for portrait in held.portraits]
    genders = [portrait.gender for portrait in held.portraits]
    figures[f"fairface MaxSkew@{_TOP} race label"] = _max_skew(ranked, races, RACES)
    figures[f"fairface MaxSkew@{_TOP} gender"] = _max_skew(ranked, genders, GENDERS)
    figures["seconds for all"] = found.seconds
    return figures


def _best(vectors: Tensor, candidates: Tensor) -> Tensor:
    return (vectors @ candidates.T).argmax(1)


def _flips(baseline: Embedded, other: Embedded) -> dict[str, float]:
    """Return the share of answers that differ between two variants."""
    pairs = {
        "imagenet flips": ((baseline.things, baseline.classes), (other.things, other.classes)),
        "facet flips (crop)": ((baseline.crops, baseline.jobs), (other.crops, other.jobs)),
        "facet flips (full)": ((baseline.fulls, baseline.jobs), (other.fulls, other.jobs)),
    }
    return {name: (_best(*first) != _best(*second)).float().mean().item() for name, (first, second) in pairs.items()}


def evaluate(folder: Path, held: Held) -> dict[str, dict[str, float]]:
    """Measure one checkpoint in every precision.

    Parameters
    ----------
    folder : Path
        The checkpoint.
    held : Held
        The held-out datasets.

    Returns
    -------
    dict
        The numbers by precision.
    """
    tokenizer = CLIPTokenizer.from_pretrained(folder, trust_remote_code=False)
    results: dict[str, dict[str, float]] = {}
    baseline: Embedded | None = None
    for precision in PRECISIONS:
        found = embed(load(CLIPModel, folder, precision), tokenizer, held)
        baseline = baseline or found
        results[precision] = {**measure(held, found), **_flips(baseline, found)}
    return results


def main() -> None:
    """Measure the checkpoints, print the numbers and, if asked, write the model cards."""
    parser = argparse.ArgumentParser(description="Measure the demo's models on held-out drawings.")
    parser.add_argument("--source", choices=[*SOURCES, "all"], default="all")
    parser.add_argument("--seed", type=int, default=0, help="of the held-out datasets")
    parser.add_argument("--checkpoints", type=Path, default=CHECKPOINTS)
    parser.add_argument("--card", action="store_true", help="write each model's README.md")
    asked = parser.parse_args()
    torch.set_num_threads(THREADS)
    # LLM.int8 says at every product that it casts to half precision: known, and part of it.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as scratch:
        held = read_held_out(Path(scratch), asked.seed)
    for source in SOURCES if asked.source == "all" else [asked.source]:
        results = evaluate(asked.checkpoints / source, held)
        print(source)
        for name in results["bnb-nf4"]:
            values = "  ".join(f"{results[p][name]:12.4f}" for p in PRECISIONS)
            print(f"  {name:46s} {values}", flush=True)
        if asked.card:
            write_card(asked.checkpoints / source, SOURCES[source], results, asked.seed)


if __name__ == "__main__":
    main()
