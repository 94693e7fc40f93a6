"""Everything that comes with qbench keeps to a contract: what pytest collects is held against what is registered."""

import json
import os
from pathlib import Path

import pytest

from qbench.plugins.registry import installed
from qbench.report.sections import BUILT_IN
from tests.process_server import REWRITE

ROOT = Path(__file__).parents[2]

# A class on something built in names it in the parameters of a fixture: by itself, or as a spec does.
COLLECT = """
import json, sys
import pytest
from qbench import testing

class Names:
    def __init__(self):
        self.found = set()

    def pytest_collection_finish(self, session):
        for item in session.items:
            for contract in (getattr(testing, name) for name in testing.__all__):
                if item.cls is not None and issubclass(item.cls, contract) and hasattr(item, "callspec"):
                    values = [v["name"] if isinstance(v, dict) else v for v in item.callspec.params.values()]
                    self.found |= {(contract.__name__, value) for value in values}

names = Names()
code = pytest.main(["-q", "--collect-only", "-p", "no:cacheprovider", *sys.argv[1:]], plugins=[names])
print(json.dumps(sorted(names.found)))
sys.exit(code)
"""
HOOKS = {
    "qbench_models": "ModelSourceContract",
    "qbench_quantizers": "QuantizerContract",
    "qbench_benchmarks": "BenchmarkContract",
    "qbench_probes": "ProbeContract",
    "qbench_executors": "ExecutorContract",
    "qbench_statistics": "StatisticContract",
    "qbench_report_sections": "ReportSectionContract",
}


@pytest.fixture(scope="module")
def tested(processes, tmp_path_factory):
    collect = tmp_path_factory.mktemp("collect") / "collect.py"
    collect.write_text(COLLECT)
    files = [path for folder in ("plugins", "unit") for path in sorted((ROOT / "tests" / folder).rglob("test_*.py"))]
    files = [str(path) for path in files if "Contract)" in path.read_text(encoding="utf-8")]
    done = processes.run([collect, *REWRITE, *files], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stdout + done.stderr
    return {tuple(pair) for pair in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("hook", HOOKS)
def test_each_has_a_contract_class(hook, tested):
    here = [e.record for e in installed().entries[hook] if e.plugin.distribution == "qbench-vlm"]
    # A record whose extra is not installed says how to install it; its tests are skipped as a whole.
    registered = [record.name for record in here if not getattr(record, "install", "")]
    if hook == "qbench_report_sections":
        registered += [record.name for record in BUILT_IN]
    assert registered
    assert [name for name in registered if (HOOKS[hook], name) not in tested] == []
