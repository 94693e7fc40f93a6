"""Precomputed embeddings, from list to report: our own come back as they were, another runtime's are paired."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qbench.execution.opened import Opened
from qbench.execution.plan import make_plan
from qbench.execution.progress import Silent
from qbench.plugins.registry import installed
from qbench.results.controls import find_controls
from qbench.spec.read import read_spec
from qbench.store.cache import Cache

BENCHMARKS = ("coco", "facet", "fairface", "imagenet")


def layers(quantized):
    return [
        {"name": f"all of the {tower} tower", "tower": tower, "parameters": 1000, "quantized": quantized, "bits": bits}
        for tower, bits in (("image", 8 if quantized else 32), ("text", 8 if quantized else 32))
    ]


def write_manifest(folder, known, kind):
    declared = {
        "format": 1,
        "numerics": "numpy on nobody's phone",
        "dimension": 128,
        "dtype": "float32",
        "kind": kind,
        "coverage": {"layers": layers(kind == "quantization"), "total_parameters": 2500},
        **known,
    }
    (folder / "manifest.json").write_text(json.dumps(declared))


def rounded(vectors):
    """8 bits a number and one scale for the whole table, as an integer runtime would hand it out."""
    scale = np.abs(vectors).max() / 127
    return np.round(vectors / scale).astype(np.int8)


@pytest.fixture(scope="module")
def listed(small, qbench) -> Path:
    folder = small.parent / "list"
    said = qbench("embeddings", "list", "small.toml", "--out", "list", cwd=small.parent)
    assert "48 images" in said.stdout
    return folder


@pytest.fixture(scope="module")
def phone(small, listed, cache) -> Path:
    """The embeddings of fp32 as they are, and rounded, keyed by the ids of the list."""
    spec = read_spec(small.parent / "small.toml")
    plan = make_plan(spec, installed())
    known = json.loads((listed / "models.json").read_text())["demo/balanced"]
    store = Cache(cache)
    opened = Opened(plan, store, Silent())
    folder = small.parent / "phone"
    for planned in plan.benchmarks:
        ours = opened.asked(plan.models[0].label, plan.quantizers[0].label, planned.label)
        answers = ours.answer("dataset", lambda n: None)
        of_text = dict(zip(ours.questions.content.texts, answers["texts"], strict=True))
        ids = {x: pd.read_parquet(listed / planned.label / f"{x}.parquet")["id"].tolist() for x in ("images", "texts")}
        tables = {
            "images": np.array(answers["images"]),
            "texts": np.stack([of_text[text] for text in ids["texts"]]),
        }
        for variant in ("fp32", "int8"):
            (folder / variant / planned.label).mkdir(parents=True)
        for what, vectors in tables.items():
            shuffled = np.random.default_rng(0).permutation(len(vectors))  # the order is nobody's promise
            table = pd.DataFrame({"id": np.array(ids[what], dtype=object)[shuffled], "embedding": [*vectors[shuffled]]})
            table.to_parquet(folder / "fp32" / planned.label / f"{what}.parquet")
            np.save(folder / "int8" / planned.label / f"{what}.npy", rounded(vectors))
            (folder / "int8" / planned.label / f"{what}.json").write_text(json.dumps(ids[what]))
    ours.variant.close()
    write_manifest(folder / "fp32", known, "control")
    write_manifest(folder / "int8", known, "quantization")
    return folder


def write_spec(path: Path, models: str, quantizers: str) -> None:
    benchmarks = (path.parent / "small.toml").read_text().partition("[[")[2]
    path.write_text(f'name = "x"\nlimit = 48\nmodels = [{models}]\nquantizers = [{quantizers}]\n[[{benchmarks}')


@pytest.fixture(scope="module")
def mixed(small, phone, qbench) -> Path:
    """A torch baseline beside two variants from files."""
    given = ", ".join(
        f'{{ name = "embeddings", label = "{label}", options = {{ path = "phone", variant = "{variant}" }} }}'
        for label, variant in (("again", "fp32"), ("phone int8", "int8"))
    )
    write_spec(small.parent / "mixed.toml", '"demo/balanced"', f'"fp32", {given}')
    qbench("run", "mixed.toml", "--out", "mixed", cwd=small.parent)
    return small.parent / "mixed"


def metrics_of(run: Path, quantizer: str) -> pd.DataFrame:
    import qbench

    table = qbench.load(run).metrics
    chosen = table[table["quantizer"] == quantizer].drop(columns=["model", "quantizer"])
    return chosen.sort_values(list(chosen.columns[:5])).reset_index(drop=True)


def test_our_own_embeddings_come_back_with_identical_numbers(mixed):
    first = metrics_of(mixed, "fp32")
    assert set(first["benchmark"]) == set(BENCHMARKS)
    pd.testing.assert_frame_equal(metrics_of(mixed, "again"), first, check_exact=True)
    assert not metrics_of(mixed, "phone int8").equals(first)


def test_a_variant_from_files_is_paired_and_said_to_be_declared(mixed):
    import qbench

    results = qbench.load(mixed)
    assert results.unpaired.empty
    assert (results.effects.loc[results.effects["quantizer"] == "again", "change"].dropna() == 0).all()
    whole = results.coverage[results.coverage["tower"] == "all"].set_index("quantizer")
    assert whole["origin"].to_dict() == {"fp32": "measured", "again": "declared", "phone int8": "declared"}
    assert whole["share"].to_dict() == {"fp32": 0.0, "again": 0.0, "phone int8": 1.0}
    assert whole["model_bytes"].isna().to_dict() == {"fp32": False, "again": True, "phone int8": True}
    assert find_controls(results.done)["demo/balanced", "phone int8"].label == "again"  # an export without quantization
    numerics = results.cells.set_index("quantizer")["numerics"]
    assert set(numerics["phone int8"]) == {"declared: numpy on nobody's phone"}
    page = (mixed / "report.html").read_text()
    assert "declared: numpy on nobody" in page
    assert "their author stated this coverage" in page
    assert str(mixed.parent) not in page


def test_a_model_that_never_runs_here_gives_the_same_numbers_wherever_it_lies(mixed, phone, qbench):
    base = mixed.parent
    shutil.copytree(phone, base / "elsewhere" / "phone")
    given = ", ".join(
        f'{{ name = "embeddings", label = "{variant}", options = {{ variant = "{variant}" }} }}'
        for variant in ("fp32", "int8")
    )
    for path, computed, report in (
        ("phone", "8 computed now", ["--no-report"]),
        ("elsewhere/phone", "0 computed now", []),
    ):
        model = f'{{ source = "embeddings", checkpoint = "balanced", options = {{ path = "{path}" }} }}'
        write_spec(base / "files.toml", model, given)
        said = qbench("run", "files.toml", "--out", "files", *report, cwd=base).stderr
        assert computed in said
    for mine, theirs in (("fp32", "again"), ("int8", "phone int8")):
        numbers = metrics_of(base / "files", mine)
        pd.testing.assert_frame_equal(numbers, metrics_of(mixed, theirs), check_exact=True)
    assert "declared" in (base / "files" / "report.html").read_text()


def test_inspect_shows_what_is_declared(phone, qbench):
    arguments = ("--quantizer", "embeddings", "--option", f"path={phone}", "--option", "variant=int8")
    said = qbench("inspect", "demo/balanced", *arguments, cwd=phone.parent).stdout
    assert "demo/balanced · embeddings (path=phone, variant=int8)" in said
    assert "not known in memory; read from not known on disk" in said
    assert "These facts were declared with the embeddings" in said


def test_a_image_that_is_missing_fails_its_benchmark_and_is_named(mixed, phone, qbench):
    base = mixed.parent
    shutil.copytree(phone / "fp32", base / "partial" / "fp32")
    table = pd.read_parquet(base / "partial" / "fp32" / "facet" / "images.parquet")
    kept = table.sort_values("id").iloc[2:]
    kept.to_parquet(base / "partial" / "fp32" / "facet" / "images.parquet")
    partial = '{ name = "embeddings", label = "partial", options = { path = "partial", variant = "fp32" } }'
    write_spec(base / "partial.toml", '"demo/balanced"', f'"fp32", {partial}')
    said = qbench("run", "partial.toml", "--out", "run-partial", "--no-report", cwd=base, check=1).stderr
    listed = pd.read_parquet(base / "list" / "facet" / "images.parquet")["id"]
    first = next(x for x in listed if x not in set(kept["id"]))
    assert f"2 of {len(table)} images are missing, first '{first}'" in said
    cells = [json.loads(p.read_text()) for p in (base / "run-partial").glob("cells/*/*/partial-*/cell.json")]
    assert {c["benchmark"]: c["status"] for c in cells} == {x: "failed" if x == "facet" else "done" for x in BENCHMARKS}
