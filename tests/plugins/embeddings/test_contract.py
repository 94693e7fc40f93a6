"""The source and the quantizer of embeddings keep to their contracts, on what the tiny CLIP gave another runtime."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from qbench.api import Context
from qbench.execution.plan import plan_benchmark
from qbench.images.ids import image_id
from qbench.plugins.registry import installed
from qbench.spec.model import BenchmarkSpec
from qbench.testing import ModelSourceContract, QuantizerContract, tiny


@pytest.fixture
def exported(tmp_path_factory, tiny_clip, tiny_images, write_table):
    """A folder with the variants ``fp32`` and ``pruned`` of the tiny CLIP, for its benchmark; do not change it."""
    exported = tmp_path_factory.getbasetemp() / "exported"
    if exported.exists():
        return exported
    registry = installed()
    source = registry.model("clip").record
    checkpoint = source.open("tiny", source.options(path=str(tiny_clip)))
    planned = plan_benchmark(BenchmarkSpec.model_validate(tiny.benchmark(tiny_images)), registry)
    task = planned.entry.record.load(planned.options)
    items = task.data(tiny_images)
    pixels = np.stack([np.asarray(Image.open(ref.where).convert("RGB")) for ref in items.images])
    ids, texts = [image_id(ref) for ref in items.images], task.prompts(items).texts
    for name, method in (("fp32", "fp32"), ("pruned", "prune-magnitude")):
        record = registry.quantizer(method).record
        variant = record.build(checkpoint, Context(device="cpu"), record.options())
        folder = exported / name
        (folder / planned.label).mkdir(parents=True)
        for what, of, found in (
            ("images", ids, variant.encoder.encode_images(pixels)),
            ("texts", texts, variant.encoder.encode_texts(texts)),
        ):
            write_table(folder / planned.label / f"{what}.parquet", dict(zip(of, found, strict=True)))
        layers = [
            {key: value for key, value in asdict(layer).items() if key not in ("error", "sparsity", "kind")}
            for layer in variant.coverage.layers
        ]
        manifest = {
            "format": 1,
            "numerics": "torch, as if it were another runtime",
            "dimension": tiny.WIDTH,
            "preprocessing": asdict(checkpoint.preprocessing),
            "weights": checkpoint.identity.fingerprint,
            "kind": record.kind,
            "dtype": variant.dtype,
            "coverage": {"layers": layers, "total_parameters": variant.coverage.total_parameters},
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return exported


class TestQuantizer(QuantizerContract):
    """Beside a model that runs here, which is the baseline."""

    @pytest.fixture(params=["embeddings"])
    def quantizer(self, request, exported):
        return {"name": request.param, "options": {"path": str(exported), "variant": "pruned"}}


class TestSource(ModelSourceContract):
    """A model that never runs here."""

    @pytest.fixture(params=["embeddings"])
    def model(self, request, exported):
        return {"source": request.param, "checkpoint": "ours", "options": {"path": str(exported)}}

    @pytest.fixture
    def quantizer(self):
        return {"name": "embeddings", "label": "fp32", "options": {"variant": "fp32"}}

    @pytest.fixture
    def deciding(self):
        """None: which weights they are of is declared, and what a file holds is in the key of its variant."""
        return ()
