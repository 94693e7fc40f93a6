"""What is there to be copied imports nothing of the core but `qbench.api`, and `qbench.testing` in tests."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ALLOWED = re.compile(r"qbench\.(api|testing)(\.|$)|qbench_")


def imported(source: str) -> set[str]:
    """The modules whose names begin with qbench that Python source imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name for name in found if name.startswith("qbench")}


EXAMPLES = sorted((ROOT / "examples").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates" / "new").rglob("*.py.j2"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_examples_import_only_the_api(file):
    names = imported(file.read_text(encoding="utf-8"))
    assert [name for name in names if not ALLOWED.match(name)] == []
    if "tests" not in file.parts:
        assert not [name for name in names if name.startswith("qbench.testing")]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_scaffolded_plugins_import_only_the_api(file):
    source = re.sub(r"\{\{.*?\}\}", "x", file.read_text(encoding="utf-8"))
    source = re.sub(r"(from|import) x\b", r"\1 qbench_x", source)
    assert [name for name in imported(source) if not ALLOWED.match(name)] == []


def test_there_is_something_to_look_at():
    assert EXAMPLES
    assert TEMPLATES
