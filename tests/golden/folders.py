"""The committed outcomes as run folders of format 1, in two arrangements. Only files are moved; qbench is not used."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
ANALYSIS = ("effects", "populations", "flips", "exemplars", "squares", "variance")
BASELINE, COMPRESSED = "fp32", "compressed"
EAGER = {
    "confidence": 0.6,
    "margins": {"share": 0.004, "share/group": 0.01, "share/class": 0.02},
    "family": ["model", "benchmark", "metric", "attribute", "group"],
    "resamples": 499,
    "seed": 1,
}
"""Settings that no study should use: with them every verdict is reached on this little data."""


def as_measured(folder: Path) -> Path:
    """The run as it was: three models, three quantizers, the default settings of the analysis."""
    with zipfile.ZipFile(DATA / "run.zip") as packed:
        packed.extractall(folder)
    return folder


def as_six_checkpoints(folder: Path) -> Path:
    """The same outcomes as a study of six checkpoints and one quantizer, judged with `EAGER`.

    Each model with each quantizer stands for a checkpoint of its own: six are needed to speak of a population.
    """
    with zipfile.ZipFile(DATA / "run.zip") as packed:
        run = json.loads(packed.read("run.json"))
        cells = {name: json.loads(packed.read(f"{name}/cell.json")) for name in run["cells"]}
        quantizers = [x for x in dict.fromkeys(c["quantizer"] for c in cells.values()) if x != BASELINE]
        names = []
        for name, cell in cells.items():
            baseline = cell["quantizer"] == BASELINE
            for quantizer in quantizers if baseline else [cell["quantizer"]]:
                labels = {
                    "model": f"{cell['model']} ({quantizer})",
                    "quantizer": BASELINE if baseline else COMPRESSED,
                }
                # a checkpoint of its own: labels of one checkpoint would count once
                info = {**cell["model_info"], "fingerprint": f"{cell['model_info']['fingerprint']}{quantizer}"}
                new = f"cells/{cell['benchmark']}/{cell['model'].replace('/', '-')}-{quantizer}/{labels['quantizer']}"
                _write(folder / new / "cell.json", {**cell, **labels, "model_info": info})
                names.append(new)
                for table in ("items", "metrics", "rankings"):
                    if f"{name}/{table}.parquet" in packed.NameToInfo:
                        (folder / new / f"{table}.parquet").write_bytes(packed.read(f"{name}/{table}.parquet"))
    _write(folder / "run.json", {**run, "cells": names, "spec": {**run["spec"], "analysis": EAGER}})
    return folder


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


ARRANGEMENTS = {"as-measured": as_measured, "as-six-checkpoints": as_six_checkpoints}
