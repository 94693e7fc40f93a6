"""The main job, end to end: run, go on, fail in parts, report, export."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import qbench as api
from qbench.models import numerics
from qbench.store.cache import Cache

HEAVY = {
    *("torch", "torchvision", "torchao", "transformers", "open_clip", "timm", "bitsandbytes", "accelerate"),
    *("onnx", "onnxruntime", "onnxscript", "scipy.stats", "statsmodels", "vl_convert"),
}
"""What no command imports where nothing has to be computed. A report draws no chart that it has drawn before."""


def cells(run) -> list[dict]:
    names = json.loads((run / "run.json").read_text())["cells"]
    return [json.loads((run / name / "cell.json").read_text()) for name in names]


def test_every_cell_is_done_and_says_what_it_was(small):
    found = cells(small)
    assert len(found) == 4 * 4
    assert {cell["status"] for cell in found} == {"done"}
    for cell in found:
        assert cell["data_info"]["items"] == 48
        assert cell["numerics"].startswith("cpu")
        assert cell["versions"]["torch"] != "missing"
        assert cell["coverage"]["model_bytes"] > 0
        assert cell["coverage"]["layers"]
        assert cell["model_info"]["fingerprint"]
    assert len({cell["key"] for cell in found}) == 16


def test_quantizing_changed_something_and_not_everything(small):
    results = api.load(small)
    effects = results.effects
    assert set(effects["quantizer"]) == {"hf-int8", "hf-int4", "torch-int8"}
    margins = results.items.query("benchmark == 'imagenet'").pivot(
        index="item", columns="quantizer", values="confidence"
    )
    for quantizer in ("hf-int8", "hf-int4", "torch-int8"):
        difference = (margins[quantizer] - margins["fp32"]).abs()
        assert 0 < difference.max() < 0.9
        assert difference.median() < 0.2


def test_the_same_command_again_computes_nothing(small, qbench, tmp_path):
    run = shutil.copytree(small, tmp_path / "run")
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*.parquet")}
    done = qbench("run", small.parent / "small.toml", "--out", "run", "--no-report", cwd=tmp_path)
    assert "16 cells done (0 computed now), 0 failed" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*.parquet")} == before


def test_an_added_quantizer_computes_its_own_cells_only(small, qbench, tmp_path):
    shutil.copytree(small, tmp_path / "run")
    spec = (small.parent / "small.toml").read_text().replace('"torch-int8"]', '"torch-int8", "bf16"]')
    (tmp_path / "more.toml").write_text(spec)
    done = qbench("run", "more.toml", "--out", "run", "--no-report", cwd=tmp_path)
    assert "20 cells done (4 computed now), 0 failed" in done.stderr


def test_a_new_folder_takes_the_embeddings_from_the_cache_and_gives_the_same_numbers(small, qbench, tmp_path):
    shutil.copy(small.parent / "small.toml", tmp_path)
    qbench("run", "small.toml", "--out", "again", "--no-report", cwd=tmp_path)
    first, second = api.load(small), api.load(tmp_path / "again")
    pd.testing.assert_frame_equal(first.metrics, second.metrics, check_exact=True)
    pd.testing.assert_frame_equal(first.items, second.items, check_exact=True)
    assert second.cost["images_seconds"].isna().all()


def test_a_run_in_an_object_store_has_the_same_numbers(small, qbench_here, tmp_path):
    spec, address = small.parent / "small.toml", "memory://bucket/runs/small"
    done = qbench_here("run", spec, "--shard", "1/1", "--out", address, "--no-report", cwd=tmp_path)
    assert "Shard 1/1 is the last one." in done.stderr
    assert f"In the store: {address}" in done.stdout
    for name, run in (("there", address), ("here", small)):
        qbench_here(
            "export", run, "--table", "effects", "--format", "parquet", "--out", f"{name}.parquet", cwd=tmp_path
        )
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
    assert "Nothing differs." in qbench_here("verify", address, cwd=tmp_path).stdout
    assert ": 16 done, " in qbench_here("plan", spec, "--out", address, cwd=tmp_path).stdout
    refused = qbench_here("ablate", spec, "--out", "s3://bucket/runs/small", cwd=tmp_path, check=2)
    assert "is an object store, and a local path is needed here" in refused.stderr


def test_terminal_output_is_free_of_third_parties_noise(small, qbench, tmp_path, cache):
    spec = small.parent / "small.toml"
    text = spec.read_text().replace("limit = 48", "limit = 8")
    (tmp_path / "s.toml").write_text(text)
    done = qbench("run", "s.toml", cwd=tmp_path, fresh=True)
    noise = re.compile(r"warn|Loading weights|MatMul8bitLt|deprecat|it/s", re.IGNORECASE)
    assert not noise.search(done.stdout + done.stderr), done.stdout + done.stderr
    assert "MatMul8bitLt" in (tmp_path / "qbench-runs" / "small" / "run.log").read_text()


def test_the_report_names_what_was_run_and_that_people_are_drawings(small):
    html = (small / "report.html").read_text()
    for text in ("demo/balanced", "hf-int8", "hf-int4", "torch-int8", "drawings", "facet", "max_skew"):
        assert text in html
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", html)


def test_a_finished_run_is_run_checked_and_reported_without_torch(small, cache, tmp_path, monkeypatch):
    """Nothing has to be computed: what would need a model or a graph is neither imported nor asked."""
    monkeypatch.setenv("QBENCH_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    known = numerics._decided_by()
    assert known is not None
    Cache(cache).memo("numerics", known).write(numerics._asked())  # as a first run does that imports torch by itself
    again, before, spec = shutil.copytree(small, tmp_path / "again"), cells(small), small.parent / "small.toml"
    commands = {
        "run": ["run", spec, "--out", again, "--no-report"],
        "check": ["check", again],
        "report": ["report", small, "--out", tmp_path / "r.html"],
        "export": ["export", small, "--table", "effects", "--out", tmp_path / "e.csv"],
        "analyse": ["analyse", again, "--no-report"],
        "verify": ["verify", again],
        "plan": ["plan", spec, "--out", again],
        "power": ["power", spec],
    }
    code = f"""
import json, sys
from qbench.cli import app
ended = {{}}
for name, command in { ({name: [*map(str, command)] for name, command in commands.items()})!r}.items():
    code = app(command, standalone_mode=False) or 0
    ended[name] = [code, sorted({{*sys.modules}} & {HEAVY!r})]
print(json.dumps(ended))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert {name: imported for name, (_, imported) in ended.items() if imported} == {}
    failed = {name: code for name, (code, _) in ended.items() if code}
    assert failed.keys() <= {"check"}, done.stdout + done.stderr
    assert cells(again) == before
    assert (tmp_path / "r.html").read_text() == (small / "report.html").read_text()
    assert len(pd.read_csv(tmp_path / "e.csv")) > 100


def test_export_writes_tidy_numbers_to_standard_output(small, qbench_here):
    done = qbench_here("export", small, cwd=small)
    header = done.stdout.splitlines()[0]
    assert header == "model,quantizer,benchmark,metric,attribute,group,class,value,n"
    assert qbench_here("export", small, "--format", "md", "--table", "coverage", cwd=small).stdout.startswith(
        "| model |"
    )


def test_a_truncated_image_fails_its_benchmark_and_nothing_else(small, qbench, cache, tmp_path):
    broken = tmp_path / "facet"
    shutil.copytree(next((cache / "datasets").glob("demo-demo-facet-*")), broken)
    spec = (small.parent / "small.toml").read_text().replace('dataset = "demo-facet"', f'root = "{broken}"')
    items = api.load(small).items
    used = items.loc[items["benchmark"] == "facet", "image"].iloc[0]
    image = next(p for p in broken.glob("imgs_*/*") if p.name == used.rpartition("/")[2])
    image.write_bytes(image.read_bytes()[:200])
    (tmp_path / "s.toml").write_text(
        spec.replace('quantizers = ["fp32", "hf-int8", "hf-int4", "torch-int8"]', 'quantizers = ["fp32"]')
    )
    done = qbench("run", "s.toml", "--out", "run", cwd=tmp_path, check=1)
    assert "3 cells done (3 computed now), 1 failed" in done.stderr
    assert f"{image.name}: the image cannot be read" in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
    failed = [cell for cell in cells(tmp_path / "run") if cell["status"] == "failed"]
    assert [cell["benchmark"] for cell in failed] == ["facet"]
    assert image.name in failed[0]["error"]["where"]
    assert image.name in (tmp_path / "run" / "report.html").read_text()

    # Mended, the same command computes what was missing, and the failure is forgotten.
    whole = next((cache / "datasets").glob("demo-demo-facet-*")) / image.relative_to(broken)
    shutil.copy(whole, image)
    done = qbench("run", "s.toml", "--out", "run", "--no-report", cwd=tmp_path)
    assert "4 cells done (1 computed now), 0 failed" in done.stderr
    assert not [p for p in (tmp_path / "run").glob("cells/facet/*/*") if "failed" in (p / "cell.json").read_text()]


def test_an_interrupt_loses_nothing_that_was_computed(small, qbench, cache, tmp_path):
    import os

    spec = (small.parent / "small.toml").read_text().replace("limit = 48", "limit = 47")
    (tmp_path / "s.toml").write_text(spec.replace(', "hf-int4", "torch-int8"]', "]"))
    command = ["run", "s.toml", "--out", "run", "--no-report"]
    environment = {**os.environ, "QBENCH_CACHE": str(cache)}
    with subprocess.Popen(
        [sys.executable, "-m", "qbench.cli", *command],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    ) as process:
        while not list((tmp_path / "run").glob("cells/*/*/*/cell.json")) and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate()[1]
    assert process.returncode == 130, said
    assert "Nothing is lost" in said
    assert "Traceback" not in said
    kept = len(list((tmp_path / "run").glob("cells/*/*/*/cell.json")))
    assert 1 <= kept < 8
    assert not list(tmp_path.rglob("*.part"))
    missing = api.load(tmp_path / "run").cells["status"].value_counts()["missing"]
    assert missing == 8 - kept
    done = qbench(*command, cwd=tmp_path)
    assert f"8 cells done ({8 - kept} computed now), 0 failed" in done.stderr


def test_the_python_api_runs_and_reads(small, cache, tmp_path, monkeypatch):
    import tomllib

    monkeypatch.setenv("QBENCH_CACHE", str(cache))
    spec = tomllib.loads((small.parent / "small.toml").read_text())
    results = api.run(spec, out=tmp_path / "run")
    pd.testing.assert_frame_equal(results.metrics, api.load(small).metrics, check_exact=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('models = ["demo/balanced"]', 'models = ["demo/balancd"]'), "has no checkpoint 'balancd'"),
        (('models = ["demo/balanced"]', 'models = ["dmo/balanced"]'), "Did you mean 'demo'?"),
        (('"hf-int4"', '"hf-int3"'), "there is no quantizer called 'hf-int3'"),
        (('"fp32", ', ""), "the baseline 'fp32' is not one of the quantizers"),
        (("limit", "limitt"), "unknown key 'limitt'; did you mean 'limit'?"),
        (("min_group", "mingroup"), "Did you mean 'min_group'?"),
        (("ks = [10]", "ks = [0]"), "ks is [0]"),
        (('dataset = "demo-coco"', 'dataset = "demo-cocoa"'), "there is no dataset called 'demo-cocoa'"),
    ],
)
def test_a_wrong_spec_ends_with_code_2_and_one_message(small, qbench_here, tmp_path, change, message):
    (tmp_path / "s.toml").write_text((small.parent / "small.toml").read_text().replace(*change))
    done = qbench_here("run", "s.toml", cwd=tmp_path, check=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "qbench-runs").exists()


@pytest.mark.parametrize(
    ("benchmark", "files", "message"),
    [
        ("facet", {}, "the data folder does not exist"),
        ("facet", {"annotations/annotations.csv": ""}, "annotations.csv"),
        ("fairface", {"fairface_label_val.csv": "file,age,gender,race,service_test\n"}, "fairface_label_val.csv"),
        ("coco", {"annotations/captions_val2017.json": "{ half"}, "captions_val2017.json"),
    ],
)
def test_data_that_is_missing_or_empty_ends_with_code_2(qbench_here, tmp_path, benchmark, files, message):
    root = tmp_path / "data"
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (tmp_path / "s.toml").write_text(
        f'name = "x"\nmodels = ["demo/balanced"]\nquantizers = ["fp32"]\n'
        f'benchmarks = [{{ name = "{benchmark}", root = "{root}" }}]\n'
    )
    done = qbench_here("run", "s.toml", cwd=tmp_path, check=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(qbench, tmp_path):
    assert "Traceback" in qbench("run", "nothing.toml", "--debug", cwd=tmp_path, check=1).stderr
