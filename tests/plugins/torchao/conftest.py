"""Tiny CLIPs of one layer per tower."""

import pytest

from qbench.testing import tiny


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory):
    """A folder in transformers' format; do not change it."""
    return tiny.write_clip(tmp_path_factory.mktemp("small-clip"), layers=1)


@pytest.fixture(scope="session")
def wide_clip(tmp_path_factory):
    """As wide as the groups of int4."""
    return tiny.write_clip(tmp_path_factory.mktemp("wide-clip"), layers=1, width=128)
