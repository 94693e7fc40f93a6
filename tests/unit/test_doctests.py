"""The examples in docstrings are true: each module's doctests are run."""

import doctest
import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def with_examples(folder: Path, package_root: Path) -> list[str]:
    """The modules below a folder whose text has a doctest."""
    found = []
    for file in sorted(folder.rglob("*.py")):
        if re.search(r"^\s*>>> ", file.read_text(encoding="utf-8"), re.MULTILINE):
            parts = file.relative_to(package_root).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


MODULES = [*with_examples(ROOT / "qbench", ROOT), *with_examples(ROOT / "plugins", ROOT / "plugins")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    before = "torch" in sys.modules
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0, "an example stands outside of every docstring"
    assert result.failed == 0, "see the standard output"
    needs_torch = "    import torch\n" in Path(module.__file__).read_text(encoding="utf-8")  # in what the example calls
    assert before or needs_torch or "torch" not in sys.modules, "an example imports torch: unit tests do without it"


def test_there_are_examples():
    assert len(MODULES) >= 5
