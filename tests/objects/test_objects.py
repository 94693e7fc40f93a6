"""The tests of `on_a_server.py`, in a process that finds s3fs and moto, which have a folder of their own."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).with_name("on_a_server.py")
PACKAGES = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-objects")
"""Where `make test` installs what `requirements.txt` says."""


def test_runs_in_a_store_of_a_real_server(tmp_path):
    assert (PACKAGES / "moto").is_dir(), f"run `make {PACKAGES.name}/.installed` first, as `make test` does"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path}/tests", TESTS]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        cwd=TESTS.parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
