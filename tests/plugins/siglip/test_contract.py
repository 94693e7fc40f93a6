"""The SigLIP source keeps to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import ModelSourceContract


class TestSiglip(ModelSourceContract):
    @pytest.fixture(params=["siglip"])
    def model(self, request, tiny_siglip):
        return {"source": request.param, "checkpoint": "tiny", "options": {"path": str(tiny_siglip)}}
