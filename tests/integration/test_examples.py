"""The example distributions: built as wheels, and run by their own tests; `test_wheels.py` has them in a report."""

import ast
import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def copied(name: str, folder: Path) -> Path:
    """A copy, so that nothing of the checkout is imported by accident."""
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")))


def test_the_quantizer_is_short():
    """At most 25 lines of code, as the documentation says."""
    text = (EXAMPLES / "qbench-example-quantizer" / "qbench_example_quantizer.py").read_text(encoding="utf-8")
    body = ast.parse(text).body
    assert isinstance(body[0], ast.Expr)  # the docstring
    lines = text.splitlines()[body[0].end_lineno :]
    assert len([line for line in lines if line.strip() and not line.lstrip().startswith("#")]) <= 25


def test_the_quantizer_passes_its_own_tests_from_a_wheel(tmp_path, install, own_tests):
    source = copied("qbench-example-quantizer", tmp_path)
    site = install(source)
    (source / "qbench_example_quantizer.py").unlink()  # what is tested is what was installed
    assert "passed" in own_tests(source, site)


def test_the_statistic_passes_its_own_tests_from_a_wheel(tmp_path, install, own_tests):
    source = copied("qbench-example-statistic", tmp_path)
    site = install(source, copied("qbench-example-dataset", tmp_path))
    shutil.rmtree(source / "qbench_example_statistic")
    said = own_tests(source, site)
    assert "passed" in said
    assert "failed" not in said


def test_the_calibrated_quantizers_pass_their_own_tests_from_a_wheel(tmp_path, install, own_tests):
    source = copied("qbench-example-calibrated", tmp_path)
    site = install(source)
    shutil.rmtree(source / "qbench_example_calibrated")
    said = own_tests(source, site)
    assert "passed" in said
    assert "failed" not in said
