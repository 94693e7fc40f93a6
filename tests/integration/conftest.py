"""A small run of the embedded demo, made once: one model, all quantizers, all benchmarks, a few items of each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.process_server import REWRITE

PLUGIN = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "qbench-{name}"
version = "0.0.1"
[project.entry-points.qbench]
{name} = "{module}"
[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""

SPEC = """
name = "small"
limit = 48
models = ["demo/balanced"]
quantizers = ["fp32", "hf-int8", "hf-int4", "torch-int8"]

[[benchmarks]]
name = "imagenet"
dataset = "demo-imagenet"
options = { classes = "present", templates = "single" }

[[benchmarks]]
name = "coco"
dataset = "demo-coco"

[[benchmarks]]
name = "facet"
dataset = "demo-facet"
options = { classes = "present", min_group = 1 }

[[benchmarks]]
name = "fairface"
dataset = "demo-fairface"
options = { ks = [10], prompts = ["a photo of a smiling person", "a photo of a person with a hat"] }
"""


@pytest.fixture(scope="session")
def qbench(cache, processes):
    """Run the ``qbench`` command as a user does: another process, another folder.

    `fresh` is a process that imports everything itself: for what libraries say or read when they are imported.
    """

    def run(*arguments, cwd, check=0, fresh=False, **environment) -> subprocess.CompletedProcess:
        words = ["-m", "qbench.cli", *map(str, arguments)]
        env = {**os.environ, "QBENCH_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "COLUMNS": "200", **environment}
        if fresh:
            done = subprocess.run([sys.executable, *words], cwd=cwd, env=env, capture_output=True, text=True)
        else:
            done = processes.run(words, cwd=cwd, env=env)
        assert check is None or done.returncode == check, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def small(shared, qbench) -> Path:
    """The run folder of the small run; tests that change it copy it."""
    folder = shared / "small"
    with FileLock(shared / "small.lock"):
        if not (folder / "run" / "report.html").exists():
            folder.mkdir(exist_ok=True)
            (folder / "small.toml").write_text(SPEC)
            qbench("run", "small.toml", "--out", "run", cwd=folder)
    return folder / "run"


@pytest.fixture(scope="session")
def write_plugin():
    """Write a distribution of one module: ``write_plugin(folder, "mine", code)``."""

    def write(folder: Path, name: str, code: str) -> Path:
        module = f"qbench_{name.replace('-', '_')}"
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PLUGIN.format(name=name, module=module))
        (folder / f"{module}.py").write_text(code)
        return folder

    return write


@pytest.fixture(scope="session")
def install(tmp_path_factory):
    """Build wheels and install them into a folder of their own, to be put on PYTHONPATH. No network, no editable."""

    def install_(*sources: Path) -> Path:
        from hatchling.builders.wheel import WheelBuilder

        folder = tmp_path_factory.mktemp("installed")
        for source in sources:
            list(WheelBuilder(str(source)).build(directory=str(folder / "wheels")))
        wheels = sorted((folder / "wheels").glob("*.whl"))
        assert len(wheels) == len(sources)
        options = ["-q", "--no-index", "--no-deps", "--disable-pip-version-check", "--target", str(folder / "site")]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, *map(str, wheels)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return folder / "site"

    return install_


@pytest.fixture(scope="session")
def own_tests(processes):
    """Run a distribution's own tests as its author does, against what is installed in `site`."""

    def run(source: Path, site: Path, *arguments: str) -> str:
        done = processes.run(
            ["-m", "pytest", "-q", "-p", "no:cacheprovider", *REWRITE, *arguments],
            cwd=source,
            env={**os.environ, "PYTHONPATH": str(site), "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
