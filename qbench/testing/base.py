"""What all contracts share: the plugin is found, light, and says what a user chooses by; options are plain values."""

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
"""In a process of its own, where nothing is imported yet."""


@cache
def loaded_alone(module: str, path: tuple[str, ...]) -> tuple[int, str, str]:
    """Load a plugin in a process of its own, once for all its records: exit code, standard output and error."""
    arguments = [sys.executable, "-c", LOAD, json.dumps(path), module]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


class Contract:
    """Checks for every kind of record. A subclass gives the fixture ``entry``."""

    @pytest.fixture
    def registry(self) -> Registry:
        """The installed plugins. Override it to test what is not installed."""
        return installed()

    @pytest.fixture(autouse=True)
    def qbench_cache(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Keep everything in a cache of the test session: your own is never read, and nothing stale served."""
        folder = tmp_path_factory.getbasetemp() / "qbench-cache"
        monkeypatch.setenv("QBENCH_CACHE", str(folder))
        return folder

    @pytest.fixture
    def tiny_clip(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder with the tiny model of `qbench.testing.tiny`; not to be changed."""
        folder = tmp_path_factory.getbasetemp() / "qbench-tiny-clip"
        return folder if (folder / "model.safetensors").exists() else tiny.write_clip(folder)

    @pytest.fixture
    def tiny_images(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder with eight images in two classes; not to be changed."""
        return tiny.write_images(tmp_path_factory.getbasetemp() / "qbench-tiny-images")

    def test_importing_the_plugin_is_light(self, entry: Entry[Any]) -> None:
        """`qbench list` imports it: no torch, transformers, pandas or the like at the top, nor in a hook."""
        module = entry.plugin.module
        code, said, complaint = loaded_alone(module, tuple(str(Path(p or ".").resolve()) for p in sys.path))
        assert code == 0, f"importing {module} alone fails:\n{complaint}"
        heavy = json.loads(said.strip().splitlines()[-1])
        assert not heavy, f"{module} imports {', '.join(heavy)}: import it where it is used"

    def test_the_name_can_be_used_in_a_spec(self, entry: Entry[Any], registry: Registry) -> None:
        """Letters, digits, dot, dash; and nobody else's, or users have to write the qualified name."""
        name = entry.record.name
        assert NAME.fullmatch(name), f"{name!r} has to be letters, digits, dots and dashes"
        assert name not in registry.clashes(registry.entries[self._hook(entry)]), f"{name!r} is another plugin's too"

    def _hook(self, entry: Entry[Any]) -> str:
        return next(hook for hook, kind in HOOKS.items() if isinstance(entry.record, kind))


class WithOptions(Contract):
    """Checks for records that stand in lists and specs. A subclass gives the fixtures ``entry`` and ``options``."""

    def test_the_summary_is_one_line(self, entry: Entry[Any]) -> None:
        """`qbench list` shows it."""
        summary = entry.record.summary
        assert summary.strip(), "the summary is empty"
        assert "\n" not in summary, "the summary has several lines"

    def test_options_have_defaults_and_survive_a_round_trip(self, entry: Entry[Any], options: Any) -> None:
        """They come from a TOML file, and are part of keys and results: plain values, a frozen dataclass."""
        assert dataclasses.is_dataclass(entry.record.options), "options is no dataclass"
        kind: Any = entry.record.options
        assert kind.__dataclass_params__.frozen, f"{kind.__name__} is not frozen"
        for made in (make_options(kind, {}, where="the defaults"), options):
            values = options_dict(made)
            try:
                key_of(values)
                travelled = json.loads(json.dumps(values, allow_nan=False))
            except (TypeError, ValueError) as error:
                pytest.fail(f"an option is no plain value ({error})")
            assert make_options(kind, travelled, where="the round trip") == made

    def test_an_unknown_option_is_refused(self, entry: Entry[Any]) -> None:
        """A typo in a spec must not be the default."""
        with pytest.raises(InputError, match="unknown option"):
            make_options(entry.record.options, {"no-such-option": 1}, where="the test")


def check_requires(requires: tuple[str, ...]) -> None:
    """Fail where a distribution that decides embeddings is not installed: its version could not be in a key."""
    from qbench.models.numerics import versions

    assert isinstance(requires, tuple), "requires is a tuple of distributions"
    missing = [name for name, version in versions(requires).items() if version == "missing"]
    assert not missing, f"requires names what is not installed: {', '.join(missing)} (distributions, not modules)"
