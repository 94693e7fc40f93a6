"""The CLIP source keeps to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import ModelSourceContract


class TestClip(ModelSourceContract):
    @pytest.fixture
    def model(self, tiny_clip):
        return {"source": "clip", "checkpoint": "tiny", "options": {"path": str(tiny_clip)}}
