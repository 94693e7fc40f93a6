"""The methods of torchao keep the contract of a quantizer; a method that this machine cannot run says so."""

import pytest

pytest.importorskip("torchao", reason="torchao is not installed")

from qbench.testing import QuantizerContract


class TestTorchao(QuantizerContract):
    @pytest.fixture(params=["ao-int8wo", "ao-int8dq", "ao-float8wo", "ao-intx"])
    def quantizer(self, request):
        return request.param


class TestOtherOptions(QuantizerContract):
    @pytest.fixture
    def quantizer(self):
        return {"name": "ao-intx", "options": {"bits": 2, "group": 16}}

    def test_bits_are_those_that_a_weight_would_take(self, build):
        assert {layer.bits for layer in build().coverage.layers} == {2 + (32 + 8) / 16}


class TestFloat8Products(QuantizerContract):
    """Needs a GPU with float8 products to be built; the other checks run on every machine."""

    @pytest.fixture
    def quantizer(self):
        return "ao-float8dq"

    @pytest.fixture
    def machine(self):
        import torch

        if not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 9):
            pytest.skip("float8 products need a GPU of compute capability 8.9 or higher")
