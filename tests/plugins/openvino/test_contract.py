"""The variants that OpenVINO runs keep to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import QuantizerContract, tiny

pytest.importorskip("openvino", reason="the extra openvino is not installed")
pytest.importorskip("nncf", reason="the extra openvino is not installed")


class TestRuntime(QuantizerContract):
    @pytest.fixture(
        scope="class",
        params=[
            *("ov-fp32", "ov-fp16", "ov-int8-weights", "ov-int8-static"),
            {"name": "ov-int4-weights", "options": {"group": 32}},
            {"name": "ov-int4-calibrated", "options": {"group": 32, "method": "scale-estimation"}},
            {"name": "ov-int4-calibrated", "options": {"group": 32, "method": "awq"}},
        ],
        ids=str,
    )
    @classmethod
    def quantizer(cls, request):
        return request.param

    @pytest.fixture
    def model(self, small_clip):
        return tiny.model(small_clip)
