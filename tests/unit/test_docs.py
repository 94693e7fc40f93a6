"""The documentation says what the code does: names, defaults, signatures and examples are read from both."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import inspect
import json
import re
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pydantic
import pytest

import qbench.api
from qbench.declared.schema import AttributeSpec, Description, PromptSpec, TableSpec
from qbench.execution.plan import make_plan
from qbench.plugins import hookspecs
from qbench.plugins.options import make_options
from qbench.plugins.records import Executor
from qbench.plugins.registry import HOOKS, discover, installed
from qbench.spec.model import AnalysisSpec, BenchmarkSpec, CalibrationSpec, HalfSpec, ModelSpec, QuantizerSpec, RunSpec
from qbench.spec.read import presets, validate
from qbench.vocabulary import MetricRole

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "CHANGELOG", "SECURITY")),
]
SPECS = {"The run": RunSpec, "A model": ModelSpec, "A quantizer": QuantizerSpec, "A benchmark": BenchmarkSpec}
SPECS |= {"The analysis": AnalysisSpec, "The calibration data": CalibrationSpec, "One half of the items": HalfSpec}
INTERFACES = [
    name
    for name in qbench.api.__all__
    if dataclasses.is_dataclass(thing := getattr(qbench.api, name)) or getattr(thing, "_is_protocol", False)
]


def text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)


def sections(page: str) -> dict[str, str]:
    """Heading → what stands below it, up to the next heading of any level."""
    parts = re.split(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(section: str) -> dict[str, str]:
    """The first column of a section's tables (in backticks) → the second one."""
    return dict(re.findall(r"^\| `([^`|]+)` \| (.+?) \|", section, re.M))


def shown(value: object) -> str:
    """A default as the tables have it: as TOML has it, in backticks."""
    if value is None:
        return "none"
    if isinstance(value, pydantic.BaseModel):
        given = value.model_dump(exclude_defaults=True)
        return f'`"{given["name"]}"`' if given.keys() == {"name"} else "`{}`"  # in short, or a table of its own
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value)}`"


# --- the plugin guide


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_with_its_signature(hook):
    signature = str(inspect.signature(getattr(hookspecs, hook))).replace("'", "")
    assert f"def {hook}{signature}: ...\n" in text("plugins.md")


def test_no_hook_is_documented_that_does_not_exist():
    assert set(re.findall(r"def (qbench_\w+)\(", text("plugins.md"))) == set(HOOKS)


def stubs() -> dict[str, dict[str, str]]:
    """Class → its fields (``type`` or ``type = default``) and methods (their signature), as the guide has them."""
    found: dict[str, dict[str, str]] = {}
    for block in blocks(text("plugins.md"), "pyi"):
        for node in ast.parse(block).body:
            if isinstance(node, ast.ClassDef):
                members = found.setdefault(node.name, {})
                for member in node.body:
                    if isinstance(member, ast.AnnAssign):
                        default = f" = {ast.unparse(member.value)}" if member.value else ""
                        members[ast.unparse(member.target)] = ast.unparse(member.annotation) + default
                    elif isinstance(member, ast.FunctionDef):
                        members[member.name] = f"({ast.unparse(member.args)}) -> {ast.unparse(member.returns)}"
    return found


def members(name: str) -> dict[str, str]:
    """The same, as the code has them."""
    kind = getattr(qbench.api, name)
    if not dataclasses.is_dataclass(kind):
        public = {k: v for k, v in vars(kind).items() if not k.startswith("_")}
        functions = {k: v.fget if isinstance(v, property) else v for k, v in public.items()}
        return {k: ast_like(str(inspect.signature(f))) for k, f in functions.items() if inspect.isfunction(f)}
    found = {}
    for f in dataclasses.fields(kind):
        default = ""
        if f.default_factory is not dataclasses.MISSING:
            default = " = {}" if f.default_factory is dict else f" = {f.default_factory}"
        elif f.default is not dataclasses.MISSING:
            named = {qbench.api.NoOptions: "NoOptions"}
            named |= {getattr(qbench.images.preprocessing, x): x for x in ("OPENAI_MEAN", "OPENAI_STD")}
            default = f" = {named.get(f.default) or repr(f.default)}"
        found[f.name] = ast.unparse(ast.parse(str(f.type))) + default
    return found


def ast_like(signature: str) -> str:
    """``inspect``'s signature as ``ast.unparse`` writes it: annotations bare, no space round a default's sign."""
    tree = ast.parse(f"def f{signature}: ...".replace("'", "")).body[0]
    assert isinstance(tree, ast.FunctionDef)
    assert tree.returns is not None
    return f"({ast.unparse(tree.args)}) -> {ast.unparse(tree.returns)}"


@pytest.mark.parametrize("name", [x for x in INTERFACES if x != "NoOptions"])
def test_every_record_and_interface_is_documented_as_it_is(name):
    assert stubs().get(name) == members(name)


def test_everything_in_the_api_is_named():
    guide = text("plugins.md")
    assert [name for name in qbench.api.__all__ if not re.search(rf"\b{name}\b", guide)] == []


def module(block: int, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a Python block of the guide where it can be imported."""
    (folder / f"{name}.py").write_text(blocks(text("plugins.md"), "python")[block], encoding="utf-8")
    monkeypatch.syspath_prepend(folder)


def test_the_quantizer_of_the_guide_is_the_example():
    """One source: its own tests are run from a wheel, in tests/integration/test_examples.py."""
    folder = ROOT / "examples" / "qbench-example-quantizer"
    assert blocks(text("plugins.md"), "python")[0] == (folder / "qbench_example_quantizer.py").read_text("utf-8")
    assert blocks(text("plugins.md"), "toml")[0] == (folder / "pyproject.toml").read_text("utf-8")


def test_the_quantizer_of_the_guide_loads_as_a_plugin(tmp_path, monkeypatch):
    project = tomllib.loads(blocks(text("plugins.md"), "toml")[0])
    [(plugin, name)] = project["project"]["entry-points"]["qbench"].items()
    module(0, name, tmp_path, monkeypatch)
    torch_before = "torch" in sys.modules
    found = discover([EntryPoint(plugin, name, "qbench")])
    monkeypatch.delitem(sys.modules, name)
    assert found.failures == []
    record = found.quantizer("rtn:rtn").record
    assert ("torch" in sys.modules) == torch_before
    assert make_options(record.options, {"bits": 3}, where="rtn").bits == 3
    with pytest.raises(qbench.api.InputError, match="bits must be 2 to 8, not 9"):
        make_options(record.options, {"bits": 9}, where="rtn")
    assert list(inspect.signature(record.build).parameters) == ["checkpoint", "context", "options"]


@pytest.mark.parametrize("name", ["simulate", "tower_of"])
def test_every_function_is_documented_with_its_signature(name):
    signature = ast_like(str(inspect.signature(getattr(qbench.api, name))))
    documented = [
        f"({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
        for block in blocks(text("plugins.md"), "pyi")
        for node in ast.parse(block).body
        if isinstance(node, ast.FunctionDef) and node.name == name and node.returns
    ]
    assert [d.replace("'", "") for d in documented] == [signature.replace("'", "")]


def test_every_contract_is_documented_with_its_fixture():
    import qbench.testing

    section = sections(text("plugins.md"))["Testing a plugin"]
    documented = rows(section)
    assert set(documented) == set(qbench.testing.__all__)
    for name, fixture in documented.items():
        assert hasattr(getattr(qbench.testing, name), fixture.strip("`"))


def test_the_dataset_of_the_guide_is_one_that_its_benchmark_reads(tmp_path, monkeypatch):
    module(2, "grey_plugin", tmp_path, monkeypatch)
    found = discover([EntryPoint("grey", "grey_plugin", "qbench")])
    monkeypatch.delitem(sys.modules, "grey_plugin")
    assert found.failures == []
    folder = tmp_path / "data"
    folder.mkdir()
    found.dataset("grey").record.write(folder)
    benchmark = installed().benchmark("fairface").record
    items = benchmark.load(benchmark.options()).data(folder)
    assert len(items) == 2
    assert all(image.source.exists(image.key) for image in items.images)


# --- the promise


def required(name: str) -> list[str]:
    """The fields of a dataclass that have to be given."""
    missing = dataclasses.MISSING
    return [
        f.name
        for f in dataclasses.fields(getattr(qbench.api, name))
        if f.default is missing and f.default_factory is missing
    ]


DATACLASSES = [name for name in qbench.api.__all__ if dataclasses.is_dataclass(getattr(qbench.api, name))]


def test_dataclasses_grow_by_fields_with_defaults_only():
    """The table is the promise: a new field without a default breaks every plugin, and raises ``API_VERSION``."""
    documented = rows(sections(text("stability.md"))["What plugins can rely on"])
    promised = {name: re.findall(r"`(\w+)`", fields) for name, fields in documented.items()}
    assert promised == {name: required(name) for name in DATACLASSES}


@pytest.mark.parametrize("name", DATACLASSES)
def test_dataclasses_are_frozen_and_take_keywords(name):
    kind = getattr(qbench.api, name)
    assert kind.__dataclass_params__.frozen
    positional = (
        name in ("FolderSource", "ImageLocation", "NoOptions", "StatisticRef")
        or kind.__module__ == "qbench.plugins.report_blocks"
    )
    assert positional or all(f.kw_only for f in dataclasses.fields(kind))


def test_the_version_of_the_api_is_documented():
    assert f'`qbench.api.API_VERSION` is "{qbench.api.API_VERSION}"' in text("stability.md")
    assert re.fullmatch(r"\d+\.\d+", qbench.api.API_VERSION)


# --- the spec


@pytest.mark.parametrize("heading", SPECS)
def test_every_key_of_the_spec_is_documented_with_its_default(heading):
    documented = rows(sections(text("spec.md"))[heading])
    fields = {
        name: "required" if f.is_required() else shown(f.get_default(call_default_factory=True))
        for name, f in SPECS[heading].model_fields.items()
    }
    assert documented == fields


def test_the_default_margins_are_documented():
    from qbench.statistics.settings import MARGINS

    documented = rows(sections(text("verdicts.md"))["Default margins"])
    assert {name: float(value) for name, value in documented.items()} == MARGINS


def test_every_column_of_the_effects_is_explained():
    from qbench.analysis.judge import analyse
    from qbench.metrics.interface import INDEX
    from qbench.results import effects
    from qbench.statistics.settings import Settings

    nothing = pd.DataFrame(columns=effects.COLUMNS)
    judged = analyse(nothing, [], Settings(), {}, flags=lambda table: np.zeros(len(table), dtype=object))
    explained = sections(text("verdicts.md"))["The columns"] + "`gain2` `loss2` `deff2`"
    names = {"model", "quantizer", "baseline", "benchmark", *INDEX}
    assert [c for c in judged.effects if c not in names and f"`{c}`" not in explained] == []


@pytest.mark.parametrize("block", blocks(text("spec.md"), "toml"))
def test_every_example_spec_is_valid(block, tmp_path):
    spec = validate(tomllib.loads(block), where="docs/spec.md", base=tmp_path)
    assert make_plan(spec, installed()).cells > 0  # every name is known, every option valid


@pytest.mark.parametrize("block", blocks(text("embeddings.md"), "toml"))
def test_every_spec_with_embeddings_is_valid(block, tmp_path):
    spec = validate(tomllib.loads(block), where="docs/embeddings.md", base=tmp_path)
    assert make_plan(spec, installed()).cells > 0


def test_the_manifest_of_the_guide_is_one_and_its_keys_are_documented(tmp_path):
    from qbench_embeddings.manifest import Manifest, read_manifest

    page = text("embeddings.md")
    (tmp_path / "manifest.json").write_text(blocks(page, "json")[0], encoding="utf-8")
    assert read_manifest(tmp_path).declared().share("image") == 1
    documented = rows(sections(page)["3. Declare how"])
    fields = {k: "required" if f.is_required() else shown(f.default) for k, f in Manifest.model_fields.items()}
    assert documented == fields


def test_what_the_guide_embeds_is_read(tmp_path, monkeypatch):
    import pandas as pd

    from qbench_embeddings.encoder import FileEncoder
    from qbench_embeddings.manifest import Manifest

    (tmp_path / "elsewhere.py").write_text(blocks(text("embeddings.md"), "python")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    write = importlib.import_module("elsewhere").write
    monkeypatch.delitem(sys.modules, "elsewhere")
    ids = [f"{i}.jpg" for i in range(100)]
    pd.DataFrame({"id": ids}).to_parquet(tmp_path / "images.parquet")
    write(tmp_path / "images.parquet", tmp_path / "int8" / "facet", lambda t: np.array([[1, len(x)] for x in t["id"]]))
    manifest = json.loads(blocks(text("embeddings.md"), "json")[0]) | {"dimension": 2}
    found = FileEncoder(tmp_path / "int8", Manifest.model_validate(manifest)).find_images("facet", ids[::-1])
    assert found.tolist() == [[1, len(x)] for x in ids[::-1]]


def test_every_preset_and_command_is_documented():
    from qbench.cli import app

    documented = sections(text("spec.md"))
    assert set(rows(documented["Presets"])) == set(presets())
    names = [command.name for command in app.registered_commands]
    for group in app.registered_groups:
        names += [f"{group.name} {command.name}" for command in group.typer_instance.registered_commands]
    for name in names:
        assert f"| `qbench {name}" in documented["Commands"]


def test_every_environment_variable_is_documented():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "qbench").rglob("*.py"))
    used = set(re.findall(r"\bQBENCH_[A-Z_]+\b", code))
    table = sections(text("spec.md"))["Environment variables"]
    assert used
    assert {name for name in used if f"| `{name}` |" not in table} == set()


# --- declared datasets

TABLES = {
    "The file": Description,
    "`[table]`": TableSpec,
    "`[prompts]`": PromptSpec,
    "`[attributes.NAME]`": AttributeSpec,
}


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_of_a_dataset_is_documented_with_its_default(heading):
    documented = rows(sections(text("datasets.md"))[heading])
    fields = {}
    for name, f in TABLES[heading].model_fields.items():
        default = None if f.is_required() else f.get_default(call_default_factory=True)
        default = default.model_dump(exclude_defaults=True) if isinstance(default, PromptSpec) else default
        fields[name] = "required" if f.is_required() else shown(default)
    assert documented == fields


def test_every_way_to_make_groups_is_valid():
    ways = tomllib.loads(blocks(text("datasets.md"), "toml")[2])["attributes"]
    assert len(ways) == 5
    for way in ways.values():
        AttributeSpec.model_validate(way)


def test_every_kind_of_finding_is_documented():
    code = "\n".join(
        (ROOT / "qbench" / name).read_text("utf-8") for name in ("data/validation.py", "execution/data_check.py")
    )
    kinds = set(re.findall(r'(?:_finding\((?:level|"\w+"), |kind=)"(\w+)"', code))
    documented = rows(sections(text("datasets.md"))["Checking data"])
    assert kinds == {name for name in documented if not name.startswith("--")}


# --- the protocol


def with_options():
    """Every record of qbench's own that has something to choose."""
    for entries in installed().entries.values():
        for entry in entries:
            kind = getattr(entry.record, "options", None)
            if entry.plugin.distribution == "qbench-vlm" and kind and dataclasses.fields(kind):
                yield pytest.param(entry.record, id=entry.qualified)


@pytest.mark.parametrize("record", list(with_options()))
def test_every_option_is_documented_with_its_default(record):
    page = "scale.md" if isinstance(record, Executor) else "protocol.md"
    found = [body for heading, body in sections(text(page)).items() if f"`{record.name}`" in heading]
    assert len(found) == 1, f"docs/{page} needs one heading with `{record.name}` in it"
    documented = rows(found[0])
    for name, value in dataclasses.asdict(record.options()).items():
        assert documented.get(name) == shown(value), name


def test_every_quantizer_and_metric_is_in_the_protocol():
    protocol = text("protocol.md")
    own = [e for e in installed().benchmarks() if e.plugin.distribution == "qbench-vlm"]
    names = [metric.name for entry in own for metric in entry.record.metrics]
    names += [e.record.name for e in installed().quantizers() if e.plugin.distribution == "qbench-vlm"]
    assert [name for name in names if not re.search(rf"`{name}(@k)?`", protocol)] == []


def test_every_choice_of_an_option_is_in_the_protocol():
    from qbench.data.promptsets import prompt_set_names
    from qbench_benchmarks import options
    from qbench_benchmarks.attribute_prompts import names_of_attribute_sets

    kinds = ("Classes", "Templates", "Split", "ImageView", "Persons", "SecondClass", "SkinCut", "Target")
    values = [value for kind in kinds for value in getattr(options, kind).__args__]
    values += prompt_set_names() + names_of_attribute_sets()
    protocol = text("protocol.md")
    assert [v for v in values if f'"{v}"' not in protocol and f"`{v}`" not in protocol] == []


# --- the run folder and the report


def test_every_exported_table_is_documented_with_its_columns():
    from qbench.analysis.ablation import COLUMNS as ABLATION
    from qbench.analysis.judge import analyse
    from qbench.diagnosis.record import COLUMNS as DIAGNOSIS
    from qbench.report.table_names import FORMATS, TABLES
    from qbench.results import coverage, drift, effects, results
    from qbench.results.statistics import added_tables
    from qbench.statistics.settings import Settings
    from qbench.stats import paired
    from qbench.tuning.table import COLUMNS as TUNING

    nothing = pd.DataFrame(columns=effects.COLUMNS)
    judged = analyse(nothing, [], Settings(), {}, flags=lambda table: np.zeros(len(table), dtype=object))

    page = text("run-folder.md")
    section = sections(page)["Tables to export"]
    documented = {
        name: re.findall(r"`([^`]+)`", columns)
        for name, columns in re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", section, re.M)
    }
    added = {**added_tables(), "ablation": ABLATION[3:]}
    assert documented.pop("tuning") == TUNING
    assert documented.pop("diagnosis") == DIAGNOSIS
    assert sorted(documented) == sorted([*TABLES, *added])
    assert "|".join(FORMATS) in section
    assert documented["metrics"] == results.METRICS
    for name in ("effects", "populations", "flips", "exemplars", "variance"):
        assert documented[name] == list(getattr(judged, name).columns), name
    for name, columns in added.items():
        assert documented[name] == ["model", "quantizer", "benchmark", *columns], name
    assert documented["tests"] == [*paired.NAMES, *(f.name for f in dataclasses.fields(paired.PairedT))]
    assert documented["coverage"] == coverage.SUMMARY
    assert documented["drift"] == drift.COLUMNS
    empty = results.Results(ROOT, {"baseline": "fp32"}, [], {})
    assert documented["cells"] == list(empty.cells.columns)


def test_every_field_of_a_layer_is_documented():
    page = text("run-folder.md")
    for kind in (qbench.api.Layer, qbench.api.Coverage):
        assert [f.name for f in dataclasses.fields(kind) if f"`{f.name}`" not in page] == []


def test_every_section_of_the_report_is_explained():
    folder = ROOT / "qbench" / "report" / "sections"
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    titles = set(re.findall(r'Section\("[\w-]+", "([^"]+)"', code))
    assert titles
    assert titles <= set(sections(text("reading-a-report.md")))


# --- all pages


def anchor(heading: str) -> str:
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_relative_links_resolve(page):
    source = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", source):
        if "://" in target:
            continue
        file, _, fragment = target.partition("#")
        there = (page.parent / file) if file else page
        assert there.is_file(), target
        if fragment:
            assert fragment in map(anchor, sections(there.read_text(encoding="utf-8"))), target


def test_every_protection_has_its_tests():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert named
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_modules_that_are_named_exist(page):
    source = page.read_text(encoding="utf-8")
    for name in set(re.findall(r"`((?:qbench|plugins|templates|tests)/[\w./]*)`", source)):
        assert (ROOT / name).exists() or "checkpoints" in name, name
    for name in set(re.findall(r"`(qbench\.[a-z]+)`", source)):
        assert importlib.util.find_spec(name) or hasattr(qbench, name.partition(".")[2]), name


def test_the_primary_questions_name_every_metric_that_the_built_in_policy_judges() -> None:
    listed, _, left_out = sections(text("gate.md"))["Its primary questions"].partition("Not judged")
    for entry in installed().benchmarks():
        for info in entry.record.metrics:
            where = left_out if info.judged_as is MetricRole.SUMMARY else listed
            named = re.search(rf"`{info.name}(@\d+)?`", where)
            of_the_same = info.judged_as is MetricRole.SUMMARY and entry.record.name == "fairface-attributes"
            assert named or info.classes_only or of_the_same, f"{entry.record.name}: {info.name}"
