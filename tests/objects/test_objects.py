"""The tests of `on_a_server.py`, in a process of their own: its fork server has what they preload."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).with_name("on_a_server.py")


def test_runs_in_a_store_of_a_real_server(tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path}/tests", TESTS]
    done = subprocess.run(command, cwd=TESTS.parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
