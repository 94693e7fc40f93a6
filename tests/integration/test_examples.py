"""The example distributions: built as wheels, installed, run by their own tests and in a report."""

import ast
import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEC = """
name = "examples"
limit = 16
models = ["demo/balanced"]
quantizers = ["fp32", "rtn", { name = "rtn", options = { bits = 2 } }]
benchmarks = [{ name = "imagenet", dataset = "demo-imagenet", options = { classes = "present", templates = "single" } }]
"""


def copied(name: str, folder: Path) -> Path:
    """A copy, so that nothing of the checkout is imported by accident."""
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture(scope="module")
def quantizer(tmp_path_factory, install):
    source = copied("qbench-example-quantizer", tmp_path_factory.mktemp("examples"))
    return source, install(source)


def test_the_quantizer_is_short():
    """At most 25 lines of code, as the documentation says."""
    text = (EXAMPLES / "qbench-example-quantizer" / "qbench_example_quantizer.py").read_text(encoding="utf-8")
    body = ast.parse(text).body
    assert isinstance(body[0], ast.Expr)  # the docstring
    lines = text.splitlines()[body[0].end_lineno :]
    assert len([line for line in lines if line.strip() and not line.lstrip().startswith("#")]) <= 25


def test_the_quantizer_passes_its_own_tests_from_a_wheel(quantizer, own_tests):
    source, site = quantizer
    (source / "qbench_example_quantizer.py").unlink()  # what is tested is what was installed
    assert "passed" in own_tests(source, site)


def test_the_quantizer_stands_in_the_report(quantizer, qbench, tmp_path):
    (tmp_path / "s.toml").write_text(SPEC)
    _, site = quantizer
    done = qbench("run", "s.toml", "--out", "run", cwd=tmp_path, PYTHONPATH=str(site))
    assert "3 cells done" in done.stderr
    assert "rtn (bits=2)" in (tmp_path / "run" / "report.html").read_text()
    assert "rtn" in qbench("export", "run", "--table", "effects", cwd=tmp_path).stdout  # without the plugin


def test_torchao_passes_its_own_tests_from_a_wheel(tmp_path, install, own_tests):
    source = copied("qbench-torchao", tmp_path)
    site = install(source)
    shutil.rmtree(source / "qbench_torchao")
    said = own_tests(source, site)
    assert "passed" in said
    assert "failed" not in said
