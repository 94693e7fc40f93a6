"""How the golden data was made.

Twice a run of the demo, cut down so that it is small enough to be committed:

1. ``run.zip``: a run folder of format 1 with three models × three quantizers × four benchmarks, without its report:
   the stored outcomes and the metrics of each cell. ``as-measured/`` and ``as-six-checkpoints/`` hold what was
   concluded from them in the two arrangements of ``folders.py``.
2. ``embeddings/``: the embeddings of one model, in full precision and with 4-bit weights, rounded to float16, in the
   layout of ``docs/embeddings.md``; ``precomputed/`` holds the outcomes and metrics that were computed from them.

The outcomes and metrics were made with the code of commit 0af63b3, which is older than everything that this test
guards; what follows from them was made anew whenever the method of an interval, a test or a verdict was meant to change
(``git log tests/golden/data``). Make them again only when a number is *meant* to change, and say in the commit which
and why::

    python -m tests.golden.make embeddings  # the embeddings of the models
    python -m tests.golden.make outcomes    # run.zip, precomputed/
    python -m tests.golden.make analysis    # what follows from run.zip

The second and the third need nothing of qbench but `qbench.run` and `qbench.load`: started in this folder as
``PYTHONPATH=CHECKOUT:CHECKOUT/plugins python make.py``, they run the code of another checkout.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

if __package__:
    from tests.golden.folders import ANALYSIS, ARRANGEMENTS, DATA
else:
    from folders import ANALYSIS, ARRANGEMENTS, DATA

MODEL, VARIANTS = "balanced", {"fp32": "control", "hf-int4": "quantization"}
LIMIT = 80
"""Items of each benchmark of which embeddings are committed: a size that shows ties, flips and empty groups."""
BATCH = 64
NOT_COMMITTED = ("drift", "speed")
"""Lists in ``run.json`` of files that are not committed."""


def benchmarks(**coco: Any) -> list[dict[str, Any]]:
    """The demo's four benchmarks."""
    queries = ("smiling person", "person wearing glasses", "person wearing a hat", "person wearing a red shirt")
    prompts = [f"a photo of a {query}" for query in queries]
    return [
        {"name": "imagenet", "dataset": "demo-imagenet", "options": {"classes": "present", "templates": "single"}},
        {"name": "coco", "dataset": "demo-coco", "options": coco},
        {"name": "facet", "dataset": "demo-facet", "options": {"classes": "present"}},
        {"name": "fairface", "dataset": "demo-fairface", "options": {"ks": [20, 50], "prompts": prompts}},
    ]


def demo() -> dict[str, Any]:
    """The spec of ``run.zip``."""
    return {
        "name": "golden",
        "models": ["demo/balanced", "demo/skewed", "demo/noisy"],
        "quantizers": ["fp32", "hf-int8", "hf-int4"],
        "benchmarks": benchmarks(),
    }


def precomputed() -> dict[str, Any]:
    """The spec that reads ``embeddings/``."""
    given = [{"name": "embeddings", "label": name, "options": {"variant": name}} for name in VARIANTS]
    options = {"path": str(DATA / "embeddings")}
    return {
        "name": "golden-embeddings",
        "limit": LIMIT,
        "models": [{"source": "embeddings", "checkpoint": MODEL, "options": options}],
        "quantizers": given,
        "baseline": "fp32",
        "benchmarks": benchmarks(),
    }


def make_embeddings() -> None:
    """Embed what `qbench embeddings list` names, through the interface of an encoder."""
    from tests.golden import adapter

    shutil.rmtree(DATA / "embeddings", ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        wanted = Path(temporary) / "list"
        spec = Path(temporary) / "spec.toml"
        spec.write_text(_toml({**demo(), "models": [f"demo/{MODEL}"], "limit": LIMIT}))
        subprocess.run([sys.executable, "-m", "qbench.cli", "embeddings", "list", spec, "--out", wanted], check=True)
        known = json.loads((wanted / "models.json").read_text())[f"demo/{MODEL}"]
        for name, kind in VARIANTS.items():
            encoder, geometry = adapter.encoder(MODEL, name)
            for folder in sorted(path for path in wanted.iterdir() if path.is_dir()):
                images, texts = (pd.read_parquet(folder / f"{x}.parquet") for x in ("images", "texts"))
                pixels = adapter.pixels(images, geometry)
                out = DATA / "embeddings" / name / folder.name
                _write_vectors(out, "images", images["id"], _batched(encoder.encode_images, pixels))
                _write_vectors(out, "texts", texts["id"], _batched(encoder.encode_texts, list(texts["id"])))
            encoder.close()
            _write_manifest(DATA / "embeddings" / name, known, kind)


def _batched(encode: Any, things: Any) -> Any:
    return np.concatenate([encode(things[i : i + BATCH]) for i in range(0, len(things), BATCH)])


def _write_vectors(folder: Path, what: str, ids: pd.Series, vectors: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{what}.npy", vectors.astype(np.float16))
    (folder / f"{what}.json").write_text(json.dumps(list(ids), indent=0))


def _write_manifest(folder: Path, known: dict[str, Any], kind: str) -> None:
    bits = 32 if kind == "control" else 4
    layers = [
        {"name": f"all of the {tower} tower", "tower": tower, "parameters": 1000, "quantized": bits < 32, "bits": bits}
        for tower in ("image", "text")
    ]
    declared = {
        "format": 1,
        "numerics": "rounded to float16",
        "dimension": 128,
        "dtype": "float32",
        "kind": kind,
        "coverage": {"layers": layers, "total_parameters": 2500},
        **known,
    }
    (folder / "manifest.json").write_text(json.dumps(declared, indent=1))


def _toml(spec: dict[str, Any]) -> str:
    """The specs above as TOML: texts and lists of texts are written as JSON writes them."""
    head = "".join(f"{k} = {json.dumps(v)}\n" for k, v in spec.items() if k != "benchmarks")
    for benchmark in spec["benchmarks"]:
        options = benchmark.pop("options")
        head += "\n[[benchmarks]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in benchmark.items())
        head += "[benchmarks.options]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in options.items())
    return head


def make_outcomes() -> None:
    """Run both specs and keep what was found."""
    import qbench

    with tempfile.TemporaryDirectory() as temporary:
        _pack(qbench.run(demo(), Path(temporary) / "demo").folder)
        results = qbench.run(precomputed(), Path(temporary) / "precomputed")
        _keep("precomputed", {"metrics": results.metrics, "items": results.items})


def make_analysis() -> None:
    """Analyse the outcomes in both arrangements."""
    import qbench

    for name, arrange in ARRANGEMENTS.items():
        with tempfile.TemporaryDirectory() as temporary:
            results = qbench.load(arrange(Path(temporary)))
            _keep(name, {table: _table(results, table) for table in ANALYSIS})


def _table(results: Any, name: str) -> pd.DataFrame:
    """A table of the analysis, or one that a statistic adds."""
    found: pd.DataFrame = getattr(results, name) if hasattr(results, name) else results.added_tables[name]
    return found


def _pack(folder: Path) -> None:
    """The run folder in one file: what was found in each cell, and nothing that was concluded."""
    run = json.loads((folder / "run.json").read_text())
    run.pop("sha256", None)  # the digest of these values, which are changed here
    with zipfile.ZipFile(DATA / "run.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("run.json", json.dumps({**run, **{name: [] for name in NOT_COMMITTED}}))
        for path in sorted(folder.glob("cells/*/*/*/*")):
            if path.stem in ("cell", "items", "metrics", "rankings"):
                packed.write(path, path.relative_to(folder))


def _keep(name: str, tables: dict[str, pd.DataFrame]) -> None:
    (DATA / name).mkdir(parents=True, exist_ok=True)
    for table, frame in tables.items():
        frame.to_parquet(DATA / name / f"{table}.parquet", index=False, compression="zstd", compression_level=19)


if __name__ == "__main__":
    {
        "embeddings": make_embeddings,
        "outcomes": make_outcomes,
        "analysis": make_analysis,
    }[sys.argv[1]]()
