"""A small run folder, written as a run writes it, for all that reads results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qbench.runfolder.schema import CellRecord

MODELS = ("openai/ViT-B-32", "laion/ViT-B-16", "datacomp/ViT-L-14")
QUANTIZERS = ("fp32", "hf-int8", "hf-int4")
BENCHMARKS = ("imagenet", "coco", "facet", "fairface")
SHARE, POINTS = {"better": "higher", "unit": "share"}, {"better": "zero", "unit": "points"}
METRICS: dict[str, list[dict[str, str]]] = {
    "imagenet": [{"name": x, **SHARE} for x in ("top1", "top5", "mean_recall", "recall")],
    "coco": [{"name": x, **SHARE} for x in ("image_to_text_recall", "text_to_image_recall")],
    "facet": [
        {"name": "accuracy", **SHARE, "summary": "Share of right answers."},
        {"name": "recall", **SHARE},
        {"name": "mean_disparity", **POINTS, "summary": "Mean recall gap over the classes"},
        {"name": "mean_abs_disparity", "better": "lower", "unit": "points", "role": "summary"},
        {"name": "worst_disparity", **POINTS, "role": "summary"},
        {"name": "disparity", **POINTS},
    ],
    "fairface": [
        {"name": "max_skew", "better": "lower", "unit": "nats", "role": "summary"},
        {"name": "min_skew", "better": "zero", "unit": "nats", "role": "summary"},
        {"name": "skew", "better": "zero", "unit": "nats"},
        {"name": "ndkl", "better": "lower", "unit": "nats", "role": "summary"},
    ],
}
ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    "facet": [
        {"name": "gender", "groups": ["masc", "fem"], "pairs": [["masc", "fem"]]},
        {"name": "age", "groups": ["young", "older"], "pairs": [["older", "young"]]},
    ],
    "fairface": [{"name": "race", "groups": ["White", "Black", "Indian"], "pairs": []}],
}
UNLABELLED = {"gender": "non_binary", "age": "na"}


def _numbers(*names: object) -> np.random.Generator:
    return np.random.default_rng(int(hashlib.sha256("|".join(map(str, names)).encode()).hexdigest()[:8], 16))


def _metric_rows(benchmark: str, rng: np.random.Generator, classes: int, shift: float) -> Iterator[tuple[Any, ...]]:
    names = [f"class {i}" for i in range(classes)]

    def near(value: float) -> float:
        return float(value - shift + rng.normal(0, 0.01))

    if benchmark == "imagenet":
        yield from (("top1", "", "", "", near(0.6), 80), ("top5", "", "", "", near(0.8), 80))
        yield ("mean_recall", "", "", "", near(0.59), classes)
        yield from (("recall", "", "", c, near(0.6), 8) for c in names)
    elif benchmark == "coco":
        for k in (1, 5, 10):
            yield (f"image_to_text_recall@{k}", "", "", "", near(0.5 + k / 50), 80)
            yield (f"text_to_image_recall@{k}", "", "", "", near(0.3 + k / 50), 400)
    elif benchmark == "facet":
        yield ("accuracy", "", "", "", near(0.7), 80)
        yield from (("recall", "", "", c, near(0.7), 8) for c in names)
        for attribute in ATTRIBUTES["facet"]:
            a, pair = attribute["name"], "-".join(attribute["pairs"][0])
            for group in (*attribute["groups"], UNLABELLED[a]):
                yield ("accuracy", a, group, "", near(0.7), 30)
                yield from (("recall", a, group, c, near(0.7), 3) for c in names)
            yield from (("disparity", a, pair, c, near(0.05) if i else np.nan, 3) for i, c in enumerate(names))
            yield ("mean_disparity", a, pair, "", near(0.04), classes)
            yield ("mean_abs_disparity", a, pair, "", abs(near(0.06)), classes)
            yield ("worst_disparity", a, pair, "", near(-0.2), 3)
    else:
        for k in (10, 1000):
            for q in ("", "a good person", "an evil person"):
                undetermined = k == 1000
                yield (f"max_skew@{k}", "race", "", q, np.nan if undetermined else abs(near(0.4)), k)
                yield (f"min_skew@{k}", "race", "", q, np.nan if undetermined else near(-0.5), k)
                for group in ATTRIBUTES["fairface"][0]["groups"]:
                    yield (f"skew@{k}", "race", group, q, np.nan if undetermined else near(0.1), k)
        yield from (("ndkl", "race", "", q, abs(near(0.2)), 80) for q in ("", "a good person", "an evil person"))


def _items(benchmark: str, rng: np.random.Generator, right: float, items: int) -> pd.DataFrame:
    frame = pd.DataFrame({"item": [f"i{i}" for i in range(items)], "label": "class 0"})
    for attribute in ATTRIBUTES.get(benchmark, []):
        a = attribute["name"]
        values = [*attribute["groups"], UNLABELLED.get(a, attribute["groups"][0])]
        frame[a] = [values[i % len(values)] for i in range(items)]
    if benchmark != "fairface":
        frame["prediction"] = "class 1"
        frame["correct"] = rng.permutation(np.arange(items) < round(right * items))
    return frame


class RunFolder:
    """A run folder that a test changes before it reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run: dict[str, Any] = {
            "format": 2,
            "name": "a small run",
            "qbench_version": "0.1.0",
            "baseline": "fp32",
            "created": "2025-11-24T01:00:00+00:00",
            "updated": "2025-11-24T01:02:00+00:00",
            "seconds": 120.5,
            "spec": {"name": "a small run", "models": list(MODELS)},
            "cells": [],
            "notes": ["The people are drawings."],
        }
        self.records: dict[str, dict[str, Any]] = {}
        self.metrics: dict[str, pd.DataFrame] = {}
        self.items: dict[str, pd.DataFrame] = {}
        self.rankings: dict[str, pd.DataFrame] = {}
        self.speed: dict[str, dict[str, Any]] = {}
        self.environment = {
            "python": "3.11.9",
            "platform": "Linux",
            "cpu": "a processor",
            "cores": 2,
            "memory_gb": 8.0,
            "packages": {"torch": "2.15.0", "numpy": "2.4.0"},
            "gpu": None,
        }

    def add(
        self, model: str, quantizer: str, benchmark: str, *, right: float = 0.6, classes: int = 6, items: int = 80
    ) -> str:
        """Add a cell that is done; returns its name in ``run.json``."""
        digest = hashlib.sha256(f"{model}|{quantizer}|{benchmark}".encode()).hexdigest()
        slug = "".join(c if c.isalnum() else "-" for c in model)[:40]
        name = f"cells/{benchmark}/{slug}-{digest[8:12]}/{quantizer[:20] if quantizer.isascii() else 'q'}-{digest[:8]}"
        name = name.replace("<", "").replace(">", "")
        rng = _numbers(model, quantizer, benchmark)
        shift = {"fp32": 0.0, "hf-int8": 0.005}.get(quantizer, 0.02)
        rows = _metric_rows(benchmark, rng, classes, shift)
        columns = ["metric", "attribute", "group", "class", "value", "n"]
        self.metrics[name] = pd.DataFrame(list(rows), columns=columns)
        self.items[name] = _items(benchmark, rng, right, items)
        self.records[name] = _record(model, quantizer, benchmark, digest, items)
        self.run["cells"].append(name)
        return name

    def fail(self, model: str, quantizer: str, benchmark: str, what: str = "the width is no multiple of 64") -> str:
        """Add a cell that failed."""
        name = self.add(model, quantizer, benchmark)
        del self.metrics[name], self.items[name]
        error = {"what": what, "where": "layer 3", "fix": "Skip it.", "stage": "build", "type": "QuantizationError"}
        self.records[name] |= {"status": "failed", "error": error, "coverage": None, "facts": {}}
        self.records[name]["data_info"] |= dict.fromkeys(("items", "images", "texts", "missing"))
        return name

    def add_noise(self, orders: int) -> None:
        """Let every cell have been embedded in other orders too."""
        for name in self.metrics:
            self.records[name]["batch"]["other_orders"] = orders

    def add_speed(self, model: str, quantizer: str, peak_bytes: int | None = 123_456_789) -> None:
        """Add the measured speed of a variant."""
        rate = {"per_second": 100.0, "low": 90.5, "high": 101.25}
        self.speed[f"speed/{len(self.speed)}.json"] = {
            **{"model": model, "quantizer": quantizer, "numerics": "cpu", "batch_size": 64, "repeats": 5},
            **{"load_seconds": 1.5, "peak_bytes": peak_bytes, "images": rate, "texts": rate},
        }
        self.run["speed"] = list(self.speed)

    def _shuffled(self, name: str) -> pd.DataFrame:
        orders = []
        for i in range(self.records[name]["batch"]["other_orders"]):
            frame = self.metrics[name].assign(order=f"shuffle-{i + 1}")
            orders.append(frame.assign(value=frame["value"] + _numbers(name, i).normal(0, 0.001, len(frame))))
        return pd.concat(orders, ignore_index=True)

    def write(self) -> Path:
        """Write all files; returns the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "run.json").write_text(json.dumps(self.run), encoding="utf-8")
        (self.folder / "environment.json").write_text(json.dumps(self.environment), encoding="utf-8")
        for name, record in self.speed.items():
            (self.folder / "speed").mkdir(exist_ok=True)
            (self.folder / name).write_text(json.dumps(record), encoding="utf-8")
        for name, record in self.records.items():
            cell = self.folder / name
            cell.mkdir(parents=True, exist_ok=True)
            (cell / "cell.json").write_text(json.dumps(record), encoding="utf-8")
            if name in self.metrics:
                self.metrics[name].to_parquet(cell / "metrics.parquet", index=False)
                self.items[name].to_parquet(cell / "items.parquet", index=False)
                if name in self.rankings:
                    self.rankings[name].to_parquet(cell / "rankings.parquet", index=False)
                if self.records[name]["batch"].get("other_orders"):
                    self._shuffled(name).to_parquet(cell / "noise.parquet", index=False)
        return self.folder


def _record(model: str, quantizer: str, benchmark: str, digest: str, items: int) -> dict[str, Any]:
    quantized = quantizer != "fp32"
    layer = {
        "tower": "image",
        "kind": "Linear4bit",
        "parameters": 4096,
        "quantized": quantized,
        "bits": 4.5,
        "reason": "",
    }
    kept = {
        **layer,
        "tower": "text",
        "kind": "Linear",
        "quantized": False,
        "bits": 32.0,
        "reason": "left out by default",
    }
    return {
        "format": 2,
        "key": digest,
        "status": "done",
        "error": None,
        "model": model,
        "quantizer": quantizer,
        "benchmark": benchmark,
        "model_info": {
            "record": "clip:openai",
            "distribution": "qbench-vlm",
            "version": "0.1.0",
            "checkpoint": "ViT-B-32",
            "architecture": "CLIPModel",
            "revision": "abc123",
            "fingerprint": hashlib.sha256(model.encode()).hexdigest(),
            "licence": "MIT",
            "preprocessing": {"geometry": {"size": 224}},
        },
        "quantizer_info": {
            "record": f"quantizers:{quantizer}",
            "distribution": "qbench-vlm",
            "version": "0.1.0",
            "kind": "quantization" if quantized else "control",
            "bits": 4,
            "batch_invariant": not quantized,
            "device": "cpu",
            "options": {},
        },
        "benchmark_info": {
            "record": f"benchmarks:{benchmark}",
            "distribution": "qbench-vlm",
            "version": "0.1.0",
            "protocol": "1",
            "options": {"cut": 5},
            "files": {"texts": "some"},
            "choices": {"image": "cut to the person's box"} if benchmark == "facet" else {},
            "metrics": [{"summary": "", **m} for m in METRICS.get(benchmark, [])],
            "licence": "drawn for this test",
            "citation": "nobody",
            "attributes": ATTRIBUTES.get(benchmark, []),
        },
        "data_info": {
            "root": benchmark,
            "dataset": None,
            "fingerprint": hashlib.sha256(benchmark.encode()).hexdigest(),
            "items": items,
            "images": items - 10,
            "texts": 12,
            "prompts": "cafe",
            "limit": None,
            "missing": {"count": 0, "of": items, "by_group": {}},
            "note": "",
        },
        "coverage": {
            "layers": [{"name": "vision.fc1", **layer}, {"name": "text_projection", **kept}],
            "total_parameters": 10_000,
            "model_bytes": 2_000_000,
        },
        "dtype": "float32",
        "control": None,
        "versions": {"torch": "2.15.0"},
        "numerics": "cpu avx2 threads=2",
        "batch": {"size": 64, "order": "dataset", "other_orders": 0},
        "facts": {} if benchmark == "fairface" else {"chance": [{"name": "top1", "chance": 0.05, "where": {}}]},
        "seconds": {"build": 0.4, "images": 3.2, "texts": 1.1, "score": 0.2},
    }


def cell_record(
    model: str = MODELS[0], quantizer: str = "hf-int8", benchmark: str = "facet", **parts: Any
) -> CellRecord:
    """The typed record of a cell that is done; of a part such as ``data_info`` only what is given is changed."""
    values = _record(model, quantizer, benchmark, f"{model} {quantizer} {benchmark}", 80)
    for name, value in parts.items():
        values[name] = {**values[name], **value} if name.endswith("_info") else value
    return CellRecord.model_validate_json(json.dumps(values))


def made_run(
    folder: Path,
    models: tuple[str, ...] = MODELS[:2],
    quantizers: tuple[str, ...] = QUANTIZERS,
    benchmarks: tuple[str, ...] = BENCHMARKS,
) -> RunFolder:
    """A run folder with a cell for each combination."""
    run = RunFolder(folder)
    for benchmark in benchmarks:
        for model in models:
            for quantizer in quantizers:
                run.add(model, quantizer, benchmark)
    return run


@pytest.fixture
def empty_run(tmp_path: Path) -> RunFolder:
    """A run folder without a cell."""
    return RunFolder(tmp_path / "run")


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunFolder]:
    """``(models, quantizers, benchmarks) -> RunFolder`` with a cell for each combination."""

    return partial(made_run, tmp_path / "run")
