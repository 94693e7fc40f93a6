"""A small run of the embedded demo, made once: one model, all quantizers, all benchmarks, a few items of each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
def cache(tmp_path_factory) -> Path:
    """One cache for the session, so that pictures are drawn once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def qbench(cache):
    """Run the ``qbench`` command as a user does: another process, another folder."""

    def run(*arguments, cwd, check=0, **environment) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, "-m", "qbench.cli", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "QBENCH_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "COLUMNS": "200", **environment},
            capture_output=True,
            text=True,
        )
        assert check is None or done.returncode == check, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def small(tmp_path_factory, qbench) -> Path:
    """The run folder of the small run; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.toml").write_text(SPEC)
    qbench("run", "small.toml", "--out", "run", cwd=folder)
    return folder / "run"
