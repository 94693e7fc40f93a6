"""Plugins are found one at a time: a broken one stops nobody else, and says at which stage it broke."""

import sys
import types
from importlib.metadata import EntryPoint

import pytest

from qbench.api import Quantizer, StatisticKind, hookimpl
from qbench.errors import InputError
from qbench.plugins.registry import GROUP, OWN_DISTRIBUTION, Entry, Plugin, Registry, discover


def quantizer(name: str) -> Quantizer:
    return Quantizer(name=name, summary="for tests", bits=4, build=lambda *_: None)


def _one(name: str):
    return lambda: [quantizer(name)]


@pytest.fixture
def plugin(monkeypatch):
    """Make a module that implements hooks, and the entry point that names it."""

    def make(name: str, **hooks) -> EntryPoint:
        module = types.ModuleType(f"fake_{name}")
        for hook, function in hooks.items():
            setattr(module, hook, hookimpl(function))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return EntryPoint(name, module.__name__, GROUP)

    return make


@pytest.fixture
def good(plugin):
    return plugin("good", qbench_quantizers=lambda: [quantizer("mine")])


def test_records_come_with_the_plugin_that_gave_them(good):
    entry = discover([good]).quantizer("mine")
    assert (entry.qualified, entry.plugin.module) == ("good:mine", "fake_good")


def test_an_import_error_is_recorded_and_the_others_go_on(good):
    registry = discover([EntryPoint("bad", "no_such_module_at_all", GROUP), good])
    assert [(f.plugin.name, f.stage) for f in registry.failures] == [("bad", "import")]
    assert "ModuleNotFoundError" in registry.failures[0].message
    assert registry.quantizer("mine").record.bits == 4


def test_a_hook_that_does_not_exist_fails_its_plugin_only(plugin, good):
    registry = discover([plugin("odd", qbench_quantisers=lambda: []), good])
    assert [(f.plugin.name, f.stage) for f in registry.failures] == [("odd", "hooks")]
    assert len(registry.quantizers()) == 1


def test_a_hook_with_arguments_fails_its_plugin_only(plugin, good):
    registry = discover([plugin("odd", qbench_quantizers=lambda models: []), good])
    assert [(f.plugin.name, f.stage) for f in registry.failures] == [("odd", "hooks")]
    assert len(registry.quantizers()) == 1


def test_an_exception_halfway_gives_nothing_of_that_hook(plugin, good):
    def half():
        yield quantizer("first")
        raise RuntimeError("no second")

    registry = discover([plugin("half", qbench_quantizers=half), good])
    assert [(f.stage, f.message) for f in registry.failures] == [("qbench_quantizers", "RuntimeError: no second")]
    assert [e.record.name for e in registry.quantizers()] == ["mine"]


def test_what_is_no_record_is_refused(plugin):
    registry = discover([plugin("odd", qbench_quantizers=lambda: ["hf-int8"])])
    assert "Quantizer records, not str" in registry.failures[0].message


def test_names_that_clash_are_both_there_and_only_the_bare_name_is_an_error(plugin, good):
    registry = discover([good, plugin("other", qbench_quantizers=lambda: [quantizer("mine")])])
    assert registry.quantizer("other:mine").plugin.name == "other"
    with pytest.raises(InputError, match=r"ambiguous: good:mine .* and other:mine"):
        registry.quantizer("mine")
    assert list(registry.clashes(registry.quantizers())) == ["mine"]


def test_an_unknown_name_gets_a_suggestion_and_names_failed_plugins(good):
    registry = discover([good, EntryPoint("bad", "no_such_module_at_all", GROUP)])
    with pytest.raises(InputError, match=r"Did you mean 'mine'\?.*failed to load.*unknown"):
        registry.quantizer("mime")


def test_the_environment_limits_the_plugins_and_what_is_left_out_is_said(monkeypatch, plugin, good):
    monkeypatch.setenv("QBENCH_PLUGINS", "good")
    registry = discover([good, plugin("other", qbench_quantizers=_one("theirs"))])
    assert [p.name for p in registry.plugins] == ["good"]
    assert [p.name for p in registry.left_out] == ["other"]
    with pytest.raises(InputError, match=r"no quantizer called 'theirs'.*\n.*not loaded: other"):
        registry.quantizer("theirs")


def test_leaving_a_hook_by_exit_is_its_own_failure(plugin, good):
    def leave():
        raise SystemExit(3)

    registry = discover([plugin("quitter", qbench_models=leave), good])
    assert [(f.plugin.name, f.stage) for f in registry.failures] == [("quitter", "qbench_models")]
    assert registry.quantizer("mine").plugin.name == "good"


def test_who_imports_heavy_packages_is_named(monkeypatch, plugin, good):
    """A package that another plugin had imported before is not held against the next one."""

    def heavy():
        monkeypatch.setitem(sys.modules, "timm", types.ModuleType("timm"))
        return []

    monkeypatch.delitem(sys.modules, "timm", raising=False)
    registry = discover([plugin("b", qbench_models=heavy), plugin("c", qbench_models=heavy), good])
    assert [(h.plugin.name, h.packages) for h in registry.heavy] == [("b", ("timm",))]
    assert str(registry.heavy[0]).startswith("b (unknown unknown) imports timm at the top of fake_b or in a hook")


def test_two_distributions_with_one_plugin_name_are_twins(plugin, good):
    class Other(EntryPoint):
        dist = types.SimpleNamespace(name="elsewhere", version="9")

    registry = discover([good, Other(good.name, good.value, GROUP)])
    assert {name: [p.distribution for p in found] for name, found in registry.same_plugin_names().items()} == {
        "good": ["unknown", "elsewhere"]
    }


def test_the_order_does_not_depend_on_the_installation(plugin):
    points = [plugin(n, qbench_quantizers=_one(n)) for n in ("b", "a", "c")]
    assert [e.record.name for e in discover(points).quantizers()] == ["a", "b", "c"]
    assert [p.name for p in discover(points[::-1]).plugins] == ["a", "b", "c"]


def _statistic(plugin: str, distribution: str) -> Entry[StatisticKind]:
    record = StatisticKind(name="share", summary="for tests", make=lambda options: None)
    return Entry(plugin=Plugin(name=plugin, module=plugin, distribution=distribution, version="1"), record=record)


def test_the_bare_name_of_a_built_in_statistic_stays_its_own():
    third_party, own = _statistic("a", "a"), _statistic("own", OWN_DISTRIBUTION)
    registry = Registry(entries={"qbench_statistics": [third_party, own]})
    assert registry.statistic("share") is own
    assert registry.statistic("a:share") is third_party


def test_the_bare_name_of_two_third_party_statistics_is_ambiguous():
    registry = Registry(entries={"qbench_statistics": [_statistic("a", "a"), _statistic("b", "b")]})
    with pytest.raises(InputError, match=r"ambiguous: a:share .* and b:share"):
        registry.statistic("share")


def test_the_statistics_of_qbench_come_from_its_own_distribution():
    assert discover().statistic("share").plugin.distribution == OWN_DISTRIBUTION
