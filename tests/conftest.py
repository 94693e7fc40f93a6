"""What holds for all tests: how hypothesis draws (the same examples each time, and no clock), and one thread a process.

Two test processes share the cores already; with more threads each they would mostly wait for one another.
"""

import functools
import gc
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; what tests start has it too

import pytest
import typer.main
from hypothesis import settings

from tests.process_server import ProcessServer

# A process of a user's makes the commands out of their functions once, in 70 ms; here each call of one would do so.
# Before typer.testing is imported, which takes the function with it.
typer.main.get_command = functools.cache(typer.main.get_command)

settings.register_profile("qbench", deadline=None, derandomize=True)  # a busy machine is no reason to fail
settings.load_profile("qbench")


def pytest_collection_finish() -> None:
    """Leave what is imported by now out of each later garbage collection: it stays until the process ends."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id) -> Path:
    """A folder for what is made once, whichever of the test processes comes to it first."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def cache(shared) -> Path:
    """One cache for the session, so that images are drawn once."""
    return shared / "cache"


@pytest.fixture(scope="session")
def processes(tmp_path_factory):
    """Starts Python without importing what is heavy again and again."""
    with ProcessServer(tmp_path_factory.mktemp("processes")) as server:
        yield server


@pytest.fixture
def qbench_here(cache, monkeypatch, capfd):
    """Run the ``qbench`` command in this process, which has imported all that it needs: for what it says and does.

    Where it matters that it is a process of its own (its noise, its imports, its signals), start one.
    """
    from qbench.cli import main

    def run(*arguments, cwd, check=0) -> subprocess.CompletedProcess:
        with monkeypatch.context() as patch:
            for name, value in (("QBENCH_CACHE", str(cache)), ("HF_HUB_OFFLINE", "1"), ("COLUMNS", "200")):
                patch.setenv(name, value)
            patch.chdir(cwd)
            patch.setattr(sys, "argv", ["qbench", *map(str, arguments)])
            capfd.readouterr()
            with pytest.raises(SystemExit) as left:
                main()
            done = subprocess.CompletedProcess(sys.argv, left.value.code or 0, *capfd.readouterr())
        assert done.returncode == check, done.stdout + done.stderr
        return done

    return run
