"""A variant of two images and two texts, embedded by nobody: three numbers each."""

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from qbench.api import Geometry, Preprocessing

IMAGES = {"a.jpg": [1.0, 2.0, 2.0], "b.jpg#xywh=1,2,3.5,4": [0.0, -1.0, 0.5]}
TEXTS = {"a photo of a cat": [3.0, 0.0, 4.0], "zwei\nZeilen": [0.25, 0.5, 0.125]}
MANIFEST = {
    "format": 1,
    "numerics": "a runtime 1.2 on a phone",
    "dimension": 3,
    "preprocessing": asdict(Preprocessing(geometry=Geometry(size=8))),
    "dtype": "float16",
    "coverage": {
        "layers": [
            {"name": "all of the image tower", "tower": "image", "parameters": 300, "quantized": True, "bits": 8},
            {"name": "text_projection", "tower": "text", "parameters": 100, "quantized": False, "bits": 16},
        ],
        "total_parameters": 500,
        "disk_bytes": 700,
    },
}


@pytest.fixture
def write_table():
    """Write id → vector as Parquet."""

    def write(path, vectors):
        ids, rows = list(vectors), [np.asarray(v, dtype=np.float32) for v in vectors.values()]
        pd.DataFrame({"id": ids, "embedding": rows}).to_parquet(path, index=False)

    return write


@pytest.fixture
def write_variant(write_table):
    """Write a variant as Parquet, its manifest with some keys exchanged."""

    def write(folder, benchmark="toys", **changes):
        (folder / benchmark).mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").write_text(json.dumps(MANIFEST | changes), encoding="utf-8")
        for name, vectors in (("images", IMAGES), ("texts", TEXTS)):
            write_table(folder / benchmark / f"{name}.parquet", vectors)

    return write


@pytest.fixture
def look(tmp_path):
    """Look ids up in the test's folder: three numbers an embedding."""
    from qbench_embeddings.manifest import Manifest
    from qbench_embeddings.vectors import look_up

    def look_(what, ids, **changes):
        return look_up(tmp_path, what, ids, Manifest.model_validate(MANIFEST | changes))

    return look_


@pytest.fixture
def phone(tmp_path, write_variant):
    """A folder with the variants ``fp32`` and ``int8``."""
    folder = tmp_path / "phone"
    bare = [{**layer, "quantized": False} for layer in MANIFEST["coverage"]["layers"]]
    write_variant(folder / "fp32", kind="control", coverage=MANIFEST["coverage"] | {"layers": bare})
    write_variant(folder / "int8", note="the head runs in 16 bit")
    return folder
