"""What is shipped: the wheel holds all it needs, and plugins from distributions of their own work beside it."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
EXAMPLES = ROOT / "examples"


def build(source: Path, folder: Path, target: str = "wheel") -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)],
        cwd=source,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build(ROOT, folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, wheel) -> Path:
    """A fresh environment with wheels: qbench, a sample plugin, a broken plugin, all of the examples.

    What they depend on is seen through a .pth file; qbench itself is not, being an editable install there.
    """
    folder = tmp_path_factory.mktemp("fresh")
    wheels = [wheel]
    sources = (
        FIXTURES / "qbench-sample-plugin",
        FIXTURES / "qbench-broken-plugin",
        *sorted(EXAMPLES.glob("qbench-*")),
    )
    for source in sources:
        build(source, folder / source.name)
        wheels.append(next((folder / source.name).glob("*.whl")))
    venv.create(folder / "env", with_pip=False, symlinks=True)  # a pip of its own would take longer than all the rest
    site = next((folder / "env").glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", folder / "env", "--disable-pip-version-check"]
    install = [*pip, "install", "-q", "--no-index", "--no-deps", *wheels]
    done = subprocess.run(list(map(str, install)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "env"


def test_the_wheel_holds_weights_templates_presets_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for source in ("balanced", "skewed", "noisy"):
        for file in ("model.safetensors", "config.json", "vocab.json", "merges.txt", "README.md"):
            assert f"qbench_demo/checkpoints/{source}/{file}" in names
    for file in ("model.safetensors", "config.json", "processor_config.json", "tokenizer.json", "README.md"):
        assert f"qbench_demo/checkpoints/generative/{file}" in names
    assert {"qbench/templates/report.html.j2", "qbench/templates/style.css"} <= names
    for kind in ("common", "quantizer", "model", "benchmark", "dataset"):
        assert [n for n in names if n.startswith(f"qbench/templates/new/{kind}/")]
    assert {f"qbench/spec/presets/{preset}.toml" for preset in ("demo", "demo-sources", "paper")} <= names
    for package in (
        "qbench",
        "qbench_transformers",
        "qbench_clip",
        "qbench_siglip",
        "qbench_generative",
        "qbench_embeddings",
        "qbench_quantizers",
        "qbench_onnx",
        "qbench_openvino",
        "qbench_torchao",
        "qbench_ray",
        "qbench_benchmarks",
        "qbench_statistics",
        "qbench_demo",
    ):
        assert f"{package}/py.typed" in names
    assert not [n for n in names if n.startswith(("tests", "tools", "plugins", "docs"))]


def test_the_demos_weights_are_at_most_4_mb_each(wheel):
    sizes = {i.filename: i.file_size for i in zipfile.ZipFile(wheel).infolist() if i.filename.endswith(".safetensors")}
    assert len(sizes) == 4
    assert max(sizes.values()) <= 4_000_000


def test_the_sdist_builds_the_same_wheel(wheel, tmp_path):
    import tarfile

    build(ROOT, tmp_path / "sdist", "sdist")
    with tarfile.open(next((tmp_path / "sdist").glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    build(next(tmp_path.glob("qbench_vlm-*")), tmp_path / "again")
    again = next((tmp_path / "again").glob("*.whl"))
    assert zipfile.ZipFile(again).namelist() == zipfile.ZipFile(wheel).namelist()


def run(fresh: Path, cache: Path, *arguments, cwd: Path) -> subprocess.CompletedProcess:
    environment = {"QBENCH_CACHE": str(cache), "COLUMNS": "200", "PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    return subprocess.run(
        [fresh / "bin" / "qbench", *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_a_strangers_quantizer_is_listed(fresh, cache, tmp_path):
    done = run(fresh, cache, "list", "quantizers", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sample-round" in done.stdout
    assert "qbench-sample-plugin 1.2.3" in done.stdout
    assert {"rtn", "ao-intx", "ao-float8dq"} <= set(done.stdout.split())
    assert "hf-int4" in done.stdout


def test_a_broken_plugin_is_shown_and_stops_nobody(fresh, cache, tmp_path):
    done = run(fresh, cache, "plugins", cwd=tmp_path)
    assert done.returncode == 0
    assert "broken (qbench-broken-plugin 0.0.1) failed at import: ModuleNotFoundError" in done.stdout
    assert "sample-round" in done.stdout
    assert run(fresh, cache, "--help", cwd=tmp_path).returncode == 0


SPEC = """
name = "third-party"
limit = 48
models = ["demo/balanced"]
quantizers = ["fp32", "torch-int8", "sample-round", { name = "sample:sample-round", options = { bits = 8 } }, "rtn",
    "ao-int8wo", { name = "rtn", options = { bits = 2 } }]
benchmarks = ["example-animals", "example-rankings", "example-animals-calibration",
    { name = "imagenet", dataset = "demo-imagenet", options = { classes = "present", templates = "single" } }]
"""


@pytest.fixture(scope="module")
def third_party(fresh, cache, tmp_path_factory) -> Path:
    """The folder of one run with all that the distributions provide; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("third-party")
    (folder / "s.toml").write_text(SPEC)
    done = run(fresh, cache, "run", "s.toml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "28 cells done" in done.stderr
    return folder / "qbench-runs" / "third-party"


def test_a_strangers_quantizer_runs_in_a_spec_and_stands_in_the_report(third_party, tmp_path, qbench):
    html = (third_party / "report.html").read_text()
    assert "sample-round (bits=8)" in html
    assert "rtn (bits=2)" in html
    assert "rounded Linear" in html or "sample-round" in html
    exported = qbench("export", third_party, "--table", "effects", cwd=tmp_path)  # without the plugins
    assert {"sample-round", "rtn", "ao-int8wo"} <= {line.split(",")[1] for line in exported.stdout.splitlines()}


def test_the_example_dataset_is_checked_and_runs_from_its_wheel(fresh, cache, third_party, tmp_path):
    done = run(fresh, cache, "data", "check", "example-animals", "--decode", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "48 items in 48 images; 4 classes" in done.stdout
    assert "48 small drawings" in (third_party / "report.html").read_text()
    exported = run(fresh, cache, "export", third_party, cwd=tmp_path).stdout
    assert "example-animals,mean_disparity,light,day-night," in exported
    assert "example-rankings,max_skew@10,light,," in exported


def test_a_metric_with_a_statistic_of_its_own_is_judged_gated_and_reported(fresh, cache, third_party, tmp_path, qbench):
    folder = Path(shutil.copytree(third_party, tmp_path / "run"))
    effects = pd.read_parquet(folder / "analysis" / "effects.parquet")
    own = effects[effects["metric"] == "ece"]
    assert set(own["statistic"]) == {"ece"}
    assert {"", "light"} <= set(own["attribute"])
    assert set(own["method"]) == {"ece"}
    assert (own["low"] < own["high"]).all()
    assert set(own["verdict"]) <= {"amplified", "reduced", "equivalent", "inconclusive"}
    (tmp_path / "policy.toml").write_text(
        'version = 1\n[[rule]]\nid = "ece"\nmetric = "ece"\nscope = "each_group"\nlimit = 0.9\n'
    )
    checked = run(fresh, cache, "check", str(folder), "--policy", "policy.toml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "ece" in (folder / "report.html").read_text()
    # Where the plugin is not installed the stored intervals are used, and a new analysis says why nothing is known.
    alone = qbench("export", folder, "--table", "effects", cwd=tmp_path).stdout
    assert ",ece," in alone
    again = qbench("analyse", folder, cwd=tmp_path, check=None)
    assert again.returncode == 0, again.stdout + again.stderr
    judged = pd.read_parquet(folder / "analysis" / "effects.parquet")
    judged = judged[judged["metric"] == "ece"]
    assert set(judged["verdict"]) == {"inconclusive"}
    assert judged["reason"].str.contains("its statistic 'ece' is not available").all()


def test_a_wrong_option_of_a_strangers_quantizer_is_the_users_error(fresh, cache, tmp_path):
    (tmp_path / "s.toml").write_text(
        'name = "x"\nmodels = ["demo/balanced"]\nbenchmarks = ["facet"]\n'
        'quantizers = ["fp32", { name = "sample-round", options = { bits = 1 } }]\n'
    )
    done = run(fresh, cache, "run", "s.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "bits has to be 2 to 8, not 1" in done.stderr
