"""The executor that comes with qbench keeps to the contract that authors elsewhere are given."""

import pytest

from qbench.testing import ExecutorContract


class TestExecutor(ExecutorContract):
    @pytest.fixture(params=["local"])
    def executor(self, request):
        return request.param
