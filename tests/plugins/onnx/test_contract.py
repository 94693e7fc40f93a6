"""The variants that ONNX Runtime runs keep to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import QuantizerContract, tiny

pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")


class TestRuntime(QuantizerContract):
    @pytest.fixture(scope="class", params=["ort-fp32", "ort-fp16", "ort-int8-dynamic", "ort-int8-static"])
    @classmethod
    def quantizer(cls, request):
        return request.param

    @pytest.fixture
    def model(self, small_clip):
        return tiny.model(small_clip)
