"""Variants of the tiny checkpoint, and the ``qbench`` command."""

import numpy as np
import pytest

from qbench.api import Context
from qbench.plugins.registry import installed


@pytest.fixture
def build(tiny_clip, open_clip_source):
    """Build a variant: ``build("hf-int4", double_quant=True)``."""

    def make(name, folder=tiny_clip, **options):
        record = installed().quantizer(name).record
        return record.build(open_clip_source(folder), Context(device="cpu"), record.options(**options))

    return make


@pytest.fixture
def embed():
    """Image and text embeddings of a variant."""
    pixels = np.random.default_rng(1).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    return lambda v: (v.encoder.encode_images(pixels), v.encoder.encode_texts(["a cat", "a red car"]))


@pytest.fixture
def original(tiny_clip):
    """The checkpoint's tensors, read without qbench."""
    from safetensors.torch import load_file

    return load_file(tiny_clip / "model.safetensors")


@pytest.fixture
def qbench(qbench_here, tmp_path):
    """Run the command in the test's own process; the exit code has to be `code`."""
    return lambda *arguments, code=0: qbench_here(*arguments, cwd=tmp_path, check=code)
