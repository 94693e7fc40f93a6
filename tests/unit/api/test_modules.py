"""The API by subject: every name exists, is documented, and importing it is cheap."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import qbench.api

MODULES = [f"qbench.api.{m.name}" for m in pkgutil.iter_modules(qbench.api.__path__) if not m.name.startswith("_")]
HEAVY = ("torch", "transformers", "pandas", "scipy", "pyarrow", "numpy")


@pytest.mark.parametrize("module", MODULES)
def test_every_name_exists_and_says_what_it_is(module):
    module = importlib.import_module(module)
    assert inspect.getdoc(module)
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


def test_a_name_has_one_home():
    homes: dict[str, str] = {}
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            assert homes.setdefault(name, module) == module, name


def test_what_the_package_offers_is_what_its_modules_offer():
    offered = {name: importlib.import_module(m) for m in MODULES for name in importlib.import_module(m).__all__}
    for name in set(qbench.api.__all__) & offered.keys():
        assert getattr(qbench.api, name) is getattr(offered[name], name)


def test_importing_every_module_imports_nothing_heavy():
    code = f"import sys, {', '.join(MODULES)}; print([m for m in {HEAVY} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_an_executor_can_say_that_a_worker_died():
    from qbench.api.executors import Problem, UnitResult

    result = UnitResult(unit="answer 1", problem=Problem.of("encode", RuntimeError("the process was killed")))
    assert result.problem.what == "the process was killed"


def test_the_words_of_results_are_those_of_the_core():
    from qbench import vocabulary
    from qbench.api import report

    for name in ("Better", "FlagKind", "Unit", "Verdict"):
        assert getattr(report, name) is getattr(qbench.api, name) is getattr(vocabulary, name)
