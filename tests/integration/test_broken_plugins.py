"""Six kinds of broken plugin, each from a distribution of its own: all are named, and none stops anybody else."""

import json
import os

import pytest

RECORD = """
from qbench.api import Quantizer, hookimpl

def record(name):
    return Quantizer(name=name, summary="a test", bits=4, build=lambda *_: None)
"""
BROKEN = {
    "import-error": "import a_package_that_nobody_has\n",
    "wrong-signature": RECORD + "@hookimpl\ndef qbench_quantizers(models):\n    return []\n",
    "unknown-hook": RECORD + "@hookimpl\ndef qbench_quantisers():\n    return []\n",
    "raises": RECORD
    + "@hookimpl\ndef qbench_quantizers():\n    yield record('half')\n    raise RuntimeError('no more')\n",
    "clash": RECORD + "@hookimpl\ndef qbench_quantizers():\n    yield record('hf-int4')\n",
    "heavy": "import pandas\n" + RECORD + "@hookimpl\ndef qbench_quantizers():\n    yield record('from-heavy')\n",
}
SAID = {
    "import-error": "import-error (qbench-import-error 0.0.1) failed at import: ModuleNotFoundError",
    "wrong-signature": "wrong-signature (qbench-wrong-signature 0.0.1) failed at hooks: PluginValidationError",
    "unknown-hook": "unknown-hook (qbench-unknown-hook 0.0.1) failed at hooks: PluginValidationError",
    "raises": "raises (qbench-raises 0.0.1) failed at qbench_quantizers: RuntimeError: no more",
    "clash": "hf-int4 is provided by several plugins: clash:hf-int4 (qbench-clash), quantizers:hf-int4 (qbench-vlm)",
    "heavy": "heavy (qbench-heavy 0.0.1) imports pandas",
}
SPEC = """
name = "beside"
limit = 8
models = ["demo/balanced"]
quantizers = ["fp32"]
benchmarks = [{ name = "imagenet", dataset = "demo-imagenet", options = { classes = "present", templates = "single" } }]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, write_plugin, install):
    folder = tmp_path_factory.mktemp("broken")
    return install(*(write_plugin(folder / name, name, code) for name, code in BROKEN.items()))


@pytest.fixture
def beside(qbench, site, tmp_path):
    """Run the command with all six installed."""
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    return lambda *arguments, check=0, **environment: qbench(
        *arguments, cwd=tmp_path, check=check, PYTHONPATH=path, **{"COLUMNS": "300", **environment}
    )


def test_each_is_named_with_what_is_wrong(beside):
    said = beside("plugins", fresh=True).stdout  # a module that is imported already is not heavy
    assert [name for name, line in SAID.items() if line not in said] == []
    assert "half" not in said  # all or nothing
    assert "embeddings (model, quantizer)" in said


def test_strict_fails_and_leaving_them_out_mends_it(beside):
    beside("plugins", "--strict", check=1)
    without = [word for name in BROKEN for word in ("--no-plugin", name)]
    said = beside(*without, "plugins", "--strict").stdout
    assert said.count("not loaded") == len(BROKEN)
    assert "qbench-heavy" not in beside("plugins", "--strict", QBENCH_PLUGINS="").stderr
    assert "FAILED" not in beside("plugins", QBENCH_PLUGINS="built-in").stdout


def test_a_plugin_that_is_not_there_cannot_be_left_out(beside):
    said = beside("--no-plugin", "heavi", "plugins", check=2).stderr
    assert "there is no plugin called 'heavi'" in said
    assert "Did you mean 'heavy'?" in said


def test_help_list_and_doctor_go_on(beside):
    assert "Usage" in beside("--help").stdout
    said = beside("list", "quantizers").stdout
    assert {"fp32", "quantizers:hf-int4", "clash:hf-int4", "from-heavy"} <= set(said.split())
    doctor = beside("doctor").stdout
    assert "failed: import-error (qbench-import-error) at import" in doctor


def test_a_run_that_needs_none_of_them_is_the_same(beside, tmp_path):
    (tmp_path / "s.toml").write_text(SPEC)
    done = beside("run", "s.toml", "--out", "run")
    assert "1 cell done" in done.stderr
    cell = next((tmp_path / "run").glob("cells/*/*/*/cell.json"))
    assert json.loads(cell.read_text())["quantizer_info"]["record"] == "quantizers:fp32"


def test_asking_for_what_a_broken_one_might_give_names_it(beside, tmp_path):
    (tmp_path / "s.toml").write_text(SPEC.replace('["fp32"]', '["fp32", "half"]'))
    said = beside("plan", "s.toml", check=2).stderr
    assert "there is no quantizer called 'half'" in said
    assert "might provide it: qbench-import-error, qbench-raises" in said


def test_a_bare_name_that_two_give_is_ambiguous(beside, tmp_path):
    (tmp_path / "s.toml").write_text(SPEC.replace('["fp32"]', '["fp32", "hf-int4"]'))
    said = beside("plan", "s.toml", check=2).stderr
    assert "'hf-int4' is ambiguous: clash:hf-int4 (qbench-clash 0.0.1) and quantizers:hf-int4 (qbench-vlm" in said
    beside("--no-plugin", "clash", "plan", "s.toml")
