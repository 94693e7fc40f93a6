"""The SigLIP source keeps to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import ModelSourceContract


class TestSiglip(ModelSourceContract):
    @pytest.fixture
    def model(self, tiny_siglip):
        return {"source": "siglip", "checkpoint": "tiny", "options": {"path": str(tiny_siglip)}}
