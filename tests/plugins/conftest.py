"""A tiny CLIP checkpoint with random weights, made here: a vision and a text tower of two layers, width 64."""

from pathlib import Path

import pytest

from qbench.testing import tiny


@pytest.fixture(scope="session")
def tokenizer_files():
    """Write CLIP's tokenizer files into a folder."""
    return tiny.write_tokenizer


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory) -> Path:
    """A folder in transformers' format; tests that change it copy it first."""
    return tiny.write_clip(tmp_path_factory.mktemp("tiny-clip"))


@pytest.fixture(scope="session")
def odd_clip(tmp_path_factory) -> Path:
    """A width that 4 bit on a CPU cannot do."""
    return tiny.write_clip(tmp_path_factory.mktemp("odd-clip"), width=96)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """Each test has a cache of its own."""
    monkeypatch.setenv("QBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def open_clip_source():
    """Open any folder as a checkpoint, by the plugin's own record."""
    from qbench.plugins.registry import installed
    from qbench_clip.options import ClipOptions

    def open_(folder: Path):
        record = installed().model("clip").record
        return record.open("local", ClipOptions(path=str(folder)))

    return open_
