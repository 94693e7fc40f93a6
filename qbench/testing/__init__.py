"""Contract classes: the requirements for a plugin of each kind, as tests that its author runs.

Subclass the class of your kind, and name what is tested in one fixture, as a spec names it::

    # tests/test_contract.py of your distribution
    import pytest
    from qbench.testing import QuantizerContract

    class TestMine(QuantizerContract):
        @pytest.fixture(params=["mine", {"name": "mine", "options": {"bits": 4}}])
        def quantizer(self, request):
            return request.param

The plugin must be installed (``pip install -e .``), so that it is found as it will be on a user's machine. A tiny model
with random weights and tiny images are created in a temporary folder; nothing is downloaded. qbench runs the same
classes on all built-in plugins.

=======================  ==========  ===========================================
This package imports pytest, which is not a dependency of qbench: add it to the test extra of your distribution.
"""

import pytest

# Before the modules are imported; otherwise a failed assert of a library does not show its values.
for _name in ("base", "benchmarks", "executors", "images", "models", "probes", "quantizers", "reports", "statistics"):
    pytest.register_assert_rewrite(f"qbench.testing.{_name}")

from qbench.testing.benchmarks import BenchmarkContract  # noqa: E402
from qbench.testing.executors import ExecutorContract  # noqa: E402
from qbench.testing.images import ImageSourceContract  # noqa: E402
from qbench.testing.models import ModelSourceContract  # noqa: E402
from qbench.testing.probes import ProbeContract  # noqa: E402
from qbench.testing.quantizers import QuantizerContract  # noqa: E402
from qbench.testing.reports import ReportSectionContract  # noqa: E402
from qbench.testing.statistics import StatisticContract  # noqa: E402

__all__ = [
    "BenchmarkContract",
    "ExecutorContract",
    "ImageSourceContract",
    "ModelSourceContract",
    "ProbeContract",
    "QuantizerContract",
    "ReportSectionContract",
    "StatisticContract",
]
