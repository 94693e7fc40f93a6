"""Contract classes: what a plugin has to keep to, as tests that its author runs.

Subclass the class of your kind and say in one fixture what is tested, as a spec would say it::

    # tests/test_contract.py of your distribution
    import pytest
    from qbench.testing import QuantizerContract

    class TestMine(QuantizerContract):
        @pytest.fixture(params=["mine", {"name": "mine", "options": {"bits": 4}}])
        def quantizer(self, request):
            return request.param

The plugin has to be installed (``pip install -e .``), so that it is found as users will find it. A tiny model with
random weights and tiny images are made in a temporary folder; nothing is downloaded. qbench runs the same classes on
everything that comes with it.

=======================  ==========  ==================================================
class                    fixture     what it says
=======================  ==========  ==================================================
`QuantizerContract`      quantizer   a quantizer, as in a spec
`ModelSourceContract`    model       a checkpoint that is on this machine, as in a spec
`BenchmarkContract`      benchmark   a benchmark with its data, as in a spec
`ReportSectionContract`  section     a section of the report, by its name
=======================  ==========  ==================================================

This is the one room that imports pytest, which is no dependency of qbench: add it to your test extra.
"""

import pytest

# Before they are imported: asserts of a library say nothing of their values otherwise.
for _name in ("base", "benchmarks", "models", "quantizers", "reports"):
    pytest.register_assert_rewrite(f"qbench.testing.{_name}")

from qbench.testing.benchmarks import BenchmarkContract  # noqa: E402
from qbench.testing.models import ModelSourceContract  # noqa: E402
from qbench.testing.quantizers import QuantizerContract  # noqa: E402
from qbench.testing.reports import ReportSectionContract  # noqa: E402

__all__ = ["BenchmarkContract", "ModelSourceContract", "QuantizerContract", "ReportSectionContract"]
