"""A tiny CLIP of one layer per tower, exported once for all tests of a session."""

import pytest

from qbench.testing import tiny


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """The cache of the contracts, in which the exported towers are."""
    folder = tmp_path_factory.getbasetemp() / "qbench-cache"
    monkeypatch.setenv("QBENCH_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory):
    """A folder in transformers' format; do not change it."""
    return tiny.write_clip(tmp_path_factory.mktemp("small-clip"), layers=1)
