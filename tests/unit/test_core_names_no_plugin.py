"""The core names no built-in plugin and none of its records, so that third-party plugins can do what they do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from qbench.plugins.registry import HOOKS, installed

ROOT = Path(__file__).resolve().parents[2]

BUILT_IN = [plugin for plugin in installed().plugins if plugin.distribution == "qbench-vlm"]
KINDS = ("qbench_models", "qbench_quantizers", "qbench_benchmarks", "qbench_datasets")
"""Kinds of records with names of their own. Those of statistics (``share``) and probes are words of the core too."""
WORDS = {"benchmarks", "quantizers", "statistics", "embeddings", "core"}
"""Names of built-in plugins that are also keys of a spec, commands, or words of the core."""

NAMES = {
    *(plugin.name for plugin in BUILT_IN),
    *(e.record.name for kind in KINDS for e in installed().entries[kind] if e.plugin in BUILT_IN),
} - WORDS

ALLOWED: dict[str, dict[str, str]] = {
    "qbench/__init__.py": {"demo": "a preset: data"},
    "qbench/cli/plan.py": {"demo": "a preset: data"},
    "qbench/cli/power.py": {"demo": "a preset: data"},
    "qbench/cli/run.py": {"demo": "a preset: data"},
    "qbench/cli/inspect.py": {"declared": "where coverage comes from: a value of the column `origin`"},
    "qbench/results/coverage.py": {"declared": "where coverage comes from: a value of the column `origin`"},
    "qbench/report/sections/coverage.py": {"declared": "where coverage comes from: a value of the column `origin`"},
    "qbench/declared/record.py": {"declared": "the core's own benchmark, which a built-in plugin registers"},
    "qbench/models/control_arms.py": dict.fromkeys(
        ("fp32", "fp16", "bf16"), "the convention for the names of control arms, which any plugin may follow"
    ),
    "qbench/doctor.py": {"open_clip": "a Python package"},
    "qbench/plugins/import_guard.py": dict.fromkeys(("open_clip", "onnx", "openvino", "torchao"), "a Python package"),
    "qbench/report/charts/before_after.py": {"clip": "a property of Vega-Lite"},
    "qbench/report/charts/dots.py": {"facet": "a property of Vega-Lite"},
    "qbench/report/charts/layer_errors.py": {"facet": "a property of Vega-Lite"},
    "qbench/report/encodings.py": {"facet": "a property of Vega-Lite"},
    "qbench/testing/tiny.py": dict.fromkeys(
        ("clip", "imagenet", "fp32", "bf16", "torch-int8", "prune-magnitude"),
        "a contract runs a plugin with built-in plugins in the other places of a spec",
    ),
}
"""File → a name that may stand in it, with the reason."""


def strings(source: str) -> Iterator[tuple[int, str]]:
    """The string constants of a module with their lines, without docstrings."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.value)
        for owner in ast.walk(tree)
        if isinstance(owner, documented)
        for node in owner.body
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def named(source: str) -> list[tuple[int, str]]:
    """The built-in names in a module's strings: alone, as ``source/checkpoint``, or as ``plugin:name``."""
    modules = {plugin.module for plugin in BUILT_IN} - HOOKS.keys()  # two modules are called like hooks
    found = [(line, text.split("/")[0].split(":")[0]) for line, text in strings(source)]
    return [(line, name) for line, name in found if name in NAMES or name in modules]


FILES = sorted((ROOT / "qbench").rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_a_module_names_no_built_in_plugin(file: Path) -> None:
    place = file.relative_to(ROOT).as_posix()
    found = named(file.read_text(encoding="utf-8"))
    assert [(line, name) for line, name in found if name not in ALLOWED.get(place, {})] == []


@pytest.mark.parametrize("place", ALLOWED)
def test_every_allowance_is_needed(place: str) -> None:
    found = {name for _, name in named((ROOT / place).read_text(encoding="utf-8"))}
    assert set(ALLOWED[place]) == found


def test_names_are_found() -> None:
    assert {"clip", "facet", "hf-int8", "fp32", "demo"} <= NAMES
    source = '"""A module on clip."""\nSOURCE = "openai/ViT-B-32"\nOTHER = {"name": "clip:openai"}\n'
    assert named(source) == [(2, "openai"), (3, "clip")]
