"""Whether `qbench ablate` finds the block of a real model that has a bad layer: see docs/ablation.md.

Run: ``python benchmarks/ablation_planted.py [--runs 100] [--nothing 200] [--seed 1]`` (more than an hour on one core).
The model is ``demo/balanced``, asked about the persons of ``demo-facet-medium``. A run quantizes all its layers to 8
bits by rounding to nearest. In one layer, which is drawn, all weights have the wrong sign. Which half of the persons is
asked is drawn for each run. The whole of qbench is used: answers, metrics, and the ablation by block.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

import numpy as np

from qbench.api import Checkpoint, Context, LayerOptions, Quantizer, Variant, simulate
from qbench.execution.ablation import ablated, parts_of
from qbench.execution.run import execute
from qbench.plugins.registry import Entry, Plugin, Registry, installed
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.spec.read import read_spec
from qbench.store.cache import Cache

MODEL, BASELINE = "demo/balanced", "fp32"
BITS = 8


@dataclass(frozen=True, kw_only=True)
class Options(LayerOptions):
    """``bad`` is the layer whose weights get the wrong sign."""

    bad: str = ""


def build(checkpoint: Checkpoint, context: Context, options: Options) -> Variant:
    """Round each layer to nearest, and ruin the bad one."""

    def rule(name: str, weight: Any) -> tuple[Any, float]:
        if name == options.bad:
            return -weight, BITS
        step = weight.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / (2 ** (BITS - 1) - 1)
        return (weight / step).round() * step, BITS

    return simulate(checkpoint, context, rule, layers=options)


def with_method() -> Registry:
    """The installed plugins, and the method of this script."""
    registry = installed()
    plugin = Plugin(name="planted", module=__name__, distribution="planted", version="1")
    record = Quantizer(name="rtn", summary="rounding to nearest", bits=BITS, options=Options, build=build)
    registry.entries["qbench_quantizers"].append(Entry(plugin=plugin, record=record))
    return registry


def found_parts(folder: Path, cache: Cache, registry: Registry, bad: str, seed: int) -> set[str]:
    """The blocks that one ablation finds."""
    spec = read_spec(
        {
            "name": "planted",
            "models": [MODEL],
            "quantizers": [BASELINE, {"name": "rtn", "options": {"bad": bad}}],
            "benchmarks": [{"name": "facet", "dataset": "demo-facet-medium"}],
            "half": {"part": "first", "seed": seed},
        }
    )
    done = execute(ablated(spec, "block", registry=registry, cache=cache), folder, registry=registry, cache=cache)
    assert not done.failed, "a cell failed"
    table = analysed(load(folder)).ablation
    return set(table[table["found"]]["part"])


def layers_of(registry: Registry) -> list[str]:
    """The Linear layers of the model."""
    import torch

    source = registry.model("demo").record
    checkpoint = source.open("balanced", source.options())
    module = checkpoint.load(device="cpu", dtype="float32").module
    return [name for name, layer in module.named_modules() if isinstance(layer, torch.nn.Linear)]


def main() -> None:
    """Print the two rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="with a bad layer")
    parser.add_argument("--nothing", type=int, default=200, help="without one")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    registry, rng = with_method(), np.random.default_rng(given.seed)
    layers = layers_of(registry)
    block = {layer: part.name for part in parts_of(layers, "block") for layer in part.layers}
    right = wrong = any_found = 0
    with tempfile.TemporaryDirectory() as made:
        folder, cache = Path(made), Cache(Path(made) / "cache")
        for run in range(given.runs):
            bad = str(rng.choice(layers))
            found = found_parts(folder / f"bad-{run}", cache, registry, bad, given.seed + run)
            right += block[bad] in found
            wrong += bool(found - {block[bad]})
            if block[bad] not in found:
                print(f"run {run}: {bad} is not found", flush=True)
        for run in range(given.nothing):
            any_found += bool(found_parts(folder / f"nothing-{run}", cache, registry, "", given.seed + run))
    print("| planted | runs | its block is found | another block is found |\n|---|---|---|---|")
    print(f"| one layer of {len(layers)} has the wrong sign | {given.runs} | {right} | {wrong} |")
    print(f"| nothing | {given.nothing} | – | {any_found} |")


if __name__ == "__main__":
    main()
