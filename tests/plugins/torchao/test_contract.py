"""torchao's methods keep to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import QuantizerContract, tiny

pytest.importorskip("torchao", reason="the extra torchao is not installed")


class TestTorchao(QuantizerContract):
    @pytest.fixture(
        scope="class",
        params=["ao-int8wo", "ao-int8dq", "ao-float8wo", {"name": "ao-intx", "options": {"bits": 3}}],
        ids=str,
    )
    @classmethod
    def quantizer(cls, request):
        return request.param

    @pytest.fixture
    def model(self, small_clip):
        return tiny.model(small_clip)


class TestInt4(QuantizerContract):
    """The kernels for a GPU pad every row to 1,024 weights: in a narrower model a weight would take 64 bits or more."""

    @pytest.fixture(params=["ao-int4"])
    def quantizer(self, request):
        return request.param

    @pytest.fixture
    def model(self, wide_clip):
        return tiny.model(wide_clip)

    @pytest.fixture
    def machine(self, device):
        import torch

        if device == "cuda" and torch.cuda.get_device_capability() < (8, 0):
            pytest.skip("int4 needs a GPU of compute capability 8.0 or higher")


class TestFloat8Products(QuantizerContract):
    """Needs a GPU with float8 products to be built; the other checks run on every machine."""

    @pytest.fixture(params=["ao-float8dq"])
    def quantizer(self, request):
        return request.param

    @pytest.fixture
    def model(self, small_clip):
        return tiny.model(small_clip)

    @pytest.fixture
    def machine(self):
        import torch

        if not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 9):
            pytest.skip("float8 products need a GPU of compute capability 8.9 or higher")
