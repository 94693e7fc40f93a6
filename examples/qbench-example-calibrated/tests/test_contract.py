"""What every quantizer has to keep to, and what these do."""

import pytest
import torch
from qbench_example_calibrated.methods import quantized

from qbench.testing import QuantizerContract


class TestCalibrated(QuantizerContract):
    @pytest.fixture(params=["gptq", "wanda"])
    def quantizer(self, request):
        return request.param


@pytest.mark.parametrize("bits", [3, 4])
def test_gptq_changes_outputs_less_than_rounding_where_inputs_are_correlated(bits):
    drawn = torch.Generator().manual_seed(0)
    inputs = torch.randn(500, 8, generator=drawn) @ torch.randn(8, 64, generator=drawn)
    inputs += 0.1 * torch.randn(500, 64, generator=drawn)
    weight = torch.randn(32, 64, generator=drawn)
    moments = {"gptq": inputs.T @ inputs / 500, "nearest": torch.eye(64)}
    found = {name: quantized(weight, moment, bits, group=32) for name, moment in moments.items()}
    errors = {name: float((inputs @ (weight - w).T).norm()) for name, w in found.items()}
    assert errors["gptq"] < 0.6 * errors["nearest"]
    scale = weight.reshape(32, 2, 32).abs().amax(dim=2, keepdim=True) / (2 ** (bits - 1) - 1)
    nearest = ((weight.reshape(32, 2, 32) / scale).round() * scale).reshape(32, 64)
    torch.testing.assert_close(found["nearest"], nearest)
