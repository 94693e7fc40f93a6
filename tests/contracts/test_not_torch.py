"""A model that is not torch keeps to the contract of model sources, and has a baseline: it declares what it can."""

import importlib
import sys
from importlib.metadata import EntryPoint, entry_points

import pytest

from qbench.plugins.registry import GROUP, discover
from qbench.testing import ModelSourceContract

MODULE = "example_that_is_not_torch"

SOURCE = '''"""A dual encoder of numpy: means of 64 tiles, and counts of characters."""

from qbench.api import Geometry, Identity, Located, ModelError, ModelSource, Preprocessing, hookimpl


class Encoder:
    def encode_images(self, pixels):
        tiles = pixels.reshape(len(pixels), 8, 4, 8, 4, 3).mean((2, 4, 5))
        return (tiles.reshape(len(pixels), 64) / 255 + 1).astype("float32")

    def encode_texts(self, texts):
        import numpy as np

        counts = [np.bincount([ord(letter) % 64 for letter in text], minlength=64) for text in texts]
        return (np.array(counts) + 1).astype("float32")

    def close(self):
        pass


class Checkpoint:
    identity = Identity(source="numpy", checkpoint="tiles", architecture="Tiles", revision="1", fingerprint="1" * 32)
    preprocessing = Preprocessing(geometry=Geometry(size=32))
    dtypes = ("float32",)

    def load(self, *, device, dtype, quantization_config=None):
        if dtype not in self.dtypes:
            raise ModelError(f"there are no tiles in {dtype}")
        return Encoder()


@hookimpl
def qbench_models():
    yield ModelSource(
        name="numpy",
        summary="tiles and characters",
        checkpoints={"tiles": "means of tiles"},
        locate=lambda checkpoint, options: Located(ready=True, where="in the plugin"),
        open=lambda checkpoint, options: Checkpoint(),
        requires=("numpy",),
    )
'''


@pytest.fixture(scope="module")
def point(tmp_path_factory):
    """The entry point of the plugin, as if it were installed."""
    folder = tmp_path_factory.mktemp("not-torch")
    (folder / f"{MODULE}.py").write_text(SOURCE, encoding="utf-8")
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    yield EntryPoint("not-torch", MODULE, GROUP)
    sys.path.remove(str(folder))


class TestNumpy(ModelSourceContract):
    @pytest.fixture
    def registry(self, point):
        return discover([*entry_points(group=GROUP), point])

    @pytest.fixture
    def model(self):
        return "numpy/tiles"

    @pytest.fixture
    def deciding(self):
        return ()
