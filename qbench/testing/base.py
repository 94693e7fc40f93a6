"""Checks that all contracts share: the plugin is found and light, and its options are plain values."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from qbench.errors import InputError
from qbench.plugins.options import make_options, options_dict
from qbench.plugins.registry import GROUP, HOOKS, Entry, Registry, installed
from qbench.store.keys import key_of
from qbench.testing import tiny

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

LOAD = f"""
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from importlib.metadata import EntryPoint
from qbench.plugins.import_guard import imported_now
from qbench.plugins.registry import HOOKS
module = EntryPoint("tested", sys.argv[2], {GROUP!r}).load()
for hook in HOOKS:
    list(getattr(module, hook, list)())
print(json.dumps(sorted(imported_now())))
"""
"""Run in a process of its own, in which nothing is imported yet."""


@cache
def loaded_alone(module: str, path: tuple[str, ...]) -> tuple[int, str, str]:
    """Load a plugin in a process of its own, once for all its records.

    Returns
    -------
    tuple of int, str and str
        The exit code, the standard output and the standard error.
    """
    arguments = [sys.executable, "-c", LOAD, json.dumps(path), module]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


class Contract:
    """Checks for every kind of record. A subclass provides the fixture ``entry``."""

    @pytest.fixture
    def registry(self) -> Registry:
        """The installed plugins. Override it to test a plugin that is not installed."""
        return installed()

    @pytest.fixture(autouse=True)
    def qbench_cache(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Use a cache folder of the test session, so that results in the user's own cache folder are not used."""
        folder = tmp_path_factory.getbasetemp() / "qbench-cache"
        monkeypatch.setenv("QBENCH_CACHE", str(folder))
        return folder

    @pytest.fixture
    def tiny_clip(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder with the tiny model of `qbench.testing.tiny`; do not change it."""
        folder = tmp_path_factory.getbasetemp() / "qbench-tiny-clip"
        return folder if (folder / "model.safetensors").exists() else tiny.write_clip(folder)

    @pytest.fixture
    def tiny_images(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder with eight images in two classes; do not change it."""
        folder = tmp_path_factory.getbasetemp() / "qbench-tiny-images"
        return folder if folder.exists() else tiny.write_images(folder)

    def test_importing_the_plugin_is_light(self, entry: Entry[Any]) -> None:
        """Every command imports the plugin: no torch, transformers, pandas and so on at module level or in a hook."""
        module = entry.plugin.module
        code, said, complaint = loaded_alone(module, tuple(str(Path(p or ".").resolve()) for p in sys.path))
        assert code == 0, f"importing {module} alone fails:\n{complaint}"
        heavy = json.loads(said.strip().splitlines()[-1])
        assert not heavy, f"{module} imports {', '.join(heavy)}: move the import into the function that needs it"

    def test_the_name_can_be_used_in_a_spec(self, entry: Entry[Any], registry: Registry) -> None:
        """The name consists of letters, digits, dots and dashes, and no other plugin uses it."""
        name = entry.record.name
        assert NAME.fullmatch(name), f"{name!r} must consist of letters, digits, dots and dashes"
        assert name not in registry.clashes(registry.entries[self._hook(entry)]), (
            f"another plugin uses the name {name!r} too"
        )

    def _hook(self, entry: Entry[Any]) -> str:
        return next(hook for hook, kind in HOOKS.items() if isinstance(entry.record, kind))


class WithOptions(Contract):
    """Checks for records with a summary and options. A subclass provides the fixtures ``entry`` and ``options``."""

    def test_the_summary_is_one_line(self, entry: Entry[Any]) -> None:
        """`qbench list` shows it."""
        check_summary(entry.record.summary)

    def test_options_have_defaults_and_survive_a_round_trip(self, entry: Entry[Any], options: Any) -> None:
        """Options come from a TOML file and are part of keys and results: plain values in a frozen dataclass."""
        assert dataclasses.is_dataclass(entry.record.options), "options is not a dataclass"
        kind: Any = entry.record.options
        assert kind.__dataclass_params__.frozen, f"{kind.__name__} is not frozen"
        for made in (make_options(kind, {}, where="the defaults"), options):
            values = options_dict(made)
            try:
                key_of(values)
                travelled = json.loads(json.dumps(values, allow_nan=False))
            except (TypeError, ValueError) as error:
                pytest.fail(f"an option is not a plain value ({error})")
            assert make_options(kind, travelled, where="the round trip") == made

    def test_an_unknown_option_is_refused(self, entry: Entry[Any]) -> None:
        """A typo in a spec is an error; it does not mean the default."""
        with pytest.raises(InputError, match="unknown option"):
            make_options(entry.record.options, {"no-such-option": 1}, where="the test")


def check_summary(summary: str) -> None:
    """Fail if a summary is not one line of text."""
    assert summary.strip(), "the summary is empty"
    assert "\n" not in summary, "the summary has several lines"


def check_requires(requires: tuple[str, ...]) -> None:
    """Fail if a distribution of ``requires`` is not installed: its version could not become part of a key."""
    from qbench.models.numerics import versions

    assert isinstance(requires, tuple), "requires must be a tuple of distributions"
    missing = [name for name, version in versions(requires).items() if version == "missing"]
    assert not missing, f"not installed: {', '.join(missing)}; requires lists distributions, not modules"
