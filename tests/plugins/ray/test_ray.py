"""The executor ``ray`` on a real cluster of two nodes, on this machine: results are those of a local run, bit for bit.

Processes and a machine are killed, and the command is stopped and killed, while units are executed.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

pytest.importorskip("ray")

from qbench.api import InputError
from qbench.api.executors import Kind, Resources, UnitResult, WorkUnit
from qbench.execution.plan import plan_executor
from qbench.execution.progress import Silent
from qbench.execution.run import execute
from qbench.plugins.registry import Entry, Plugin, Registry, discover
from qbench.results import load
from qbench.results.analysis import analysed
from qbench.spec.model import ExecutorSpec
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench.testing import ExecutorContract
from tests.unit.execution.test_shards import content

HERE = Path(__file__).parent
SPEC = {
    "name": "x",
    "baseline": "base",
    "models": ["toy/one"],
    "quantizers": ["base", "half"],
    "benchmarks": [{"name": "toys", "dataset": "drawn"}],
    "batch_size": 5,
    "noise": 1,
    "workers": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def toy(folder):
    """The plugin of fakes, installed for this process and those that it starts; the folder of its notes."""
    site, notes = folder / "site", folder / "notes"
    for made in (site / "toy_cluster-1.dist-info", notes):
        made.mkdir(parents=True)
    (site / "toy_cluster.py").write_bytes((HERE / "toy_cluster.py").read_bytes())
    (site / "toy_cluster-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-cluster\nVersion: 1\n")
    (site / "toy_cluster-1.dist-info" / "entry_points.txt").write_text("[qbench]\ntoy = toy_cluster\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
        patch.setenv("QBENCH_TOY", str(notes))
        patch.setenv("QBENCH_CACHE", str(folder / "memos"))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # these tests need not wait for all others
        patch.setattr("qbench.store.arrays.SHARD_ROWS", 5)
        yield notes


@pytest.fixture(scope="module")
def cluster(toy):
    """Two machines with one core each, and this process connected to them."""
    import ray
    from ray.cluster_utils import Cluster

    machine = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    made = Cluster()
    try:
        started(made, machine)
        made.second = started(made, machine)
        ray.init(made.address, log_to_driver=False)
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def started(cluster, machine, times=4):
    """A node; Ray gives each 30 seconds to start, in which a busy machine may not get to it."""
    for _ in range(times - 1):
        with suppress(Exception):
            return cluster.add_node(**machine)
    return cluster.add_node(**machine)


@pytest.fixture(scope="module")
def registry(toy):
    return discover()


@pytest.fixture
def run(folder, registry, request):
    """Execute in the folder and with the cache of this test, or of another name."""

    def go(executor="ray", name=request.node.name, progress=None, **changes):
        spec = read_spec({**SPEC, "executor": executor, **changes})
        done = execute(spec, folder / name, registry=registry, cache=Cache(folder / f"{name}-cache"), progress=progress)
        analysed(load(folder / name))
        return done

    return go


@pytest.fixture
def made(folder, request):
    """What the run of this test has left, as a local run would have left it."""

    def what(name=request.node.name):
        found = content(folder / name)
        found["run.json"]["spec"].pop("executor")
        return found

    return what


@pytest.fixture(scope="module")
def expected(folder, registry, toy):
    spec = read_spec(SPEC)
    execute(spec, folder / "local", registry=registry, cache=Cache(folder / "local-cache"))
    analysed(load(folder / "local"))
    found = content(folder / "local")
    found["run.json"]["spec"].pop("executor")
    return found


@contextmanager
def slow(notes):
    """While this block runs, whoever is asked about images waits; the notes of before are forgotten.

    Nobody waits for ever: if the block does not end, a test has failed, and the others go on.
    """
    for file in notes.glob("pid-*"):
        file.unlink()
    (notes / "slow").touch()
    end = threading.Timer(90, (notes / "slow").unlink, [True])
    end.start()
    try:
        yield
    finally:
        end.cancel()
        (notes / "slow").unlink(missing_ok=True)


def busy(notes, count=1):
    """The processes that are asked about images, once there are so many."""
    return eventually(lambda: len(found := [int(f.name[4:]) for f in notes.glob("pid-*")]) >= count and found)


def eventually(found, seconds=60):
    until = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
    return value


def alive(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False


class Steps(Silent):
    def __init__(self):
        self.steps, self.total = 0, 0

    def begin(self, what, total):
        self.total = max(self.total, total)

    def step(self, n=1):
        self.steps += n


def test_two_machines_give_what_one_process_gives(cluster, run, made, expected, toy, folder, request):
    told = Steps()
    done = run(progress=told)
    assert (done.done, done.computed, done.failed) == (2, 2, 0)
    assert made() == expected
    assert len(list(toy.glob("pid-*"))) >= 3  # this one, for `expected`, and those of the machines
    assert told.steps >= told.total > 0
    lines = [json.loads(line) for line in (folder / request.node.name / "run.log.jsonl").read_text().splitlines()]
    assert {x["stage"] for x in lines if x["what"] == "begins"} >= {"decode", "answer", "score", "drift"}


def test_a_unit_that_ends_its_process_twice_fails_its_cell(cluster, run, folder, toy, request):
    with slow(toy):
        pass
    done = run(quantizers=["base", "deadly", "half"], noise=0, limit=4)
    assert (done.done, done.failed) == (2, 1)
    cells = load(folder / request.node.name).cells.set_index("quantizer")
    assert cells["error"]["deadly"].startswith("the process that executed it has ended 2 times; the last time: ")
    asked = Counter(line for file in toy.glob("pid-*") for line in file.read_text().splitlines())
    assert asked["deadly 4"] == 2
    assert "its work is repeated" in (folder / request.node.name / "run.log").read_text()


@pytest.fixture
def heeding_ctrl_c():
    """Hear SIGINT, which a shell lets what it starts in the background ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_no_task_behind_and_the_run_can_be_continued(cluster, run, made, expected, toy, heeding_ctrl_c):
    with slow(toy):
        threading.Thread(target=lambda: (busy(toy, 2), signal.raise_signal(signal.SIGINT))).start()
        with pytest.raises(KeyboardInterrupt):
            run()
        pids = busy(toy)
        eventually(lambda: not any(map(alive, pids)), seconds=15)
    assert run().computed == 2
    assert made() == expected


def test_the_command_that_was_killed_continues_the_run(cluster, run, made, expected, toy, folder, request):
    (folder / "spec.toml").write_text(
        'name = "x"\nbaseline = "base"\nmodels = ["toy/one"]\nquantizers = ["base", "half"]\n'
        'batch_size = 5\nnoise = 1\nworkers = 1\nbenchmarks = [{ name = "toys", dataset = "drawn" }]\n'
    )
    command = [sys.executable, "-m", "qbench.cli", "run", "spec.toml", "--out", request.node.name, "--no-report"]
    cache = folder / f"{request.node.name}-cache"
    with slow(toy):
        started = subprocess.Popen(
            [*command, "--executor", "ray", "--address", cluster.address],
            cwd=folder,
            env={**os.environ, "QBENCH_CACHE": str(cache)},
        )
        pids = busy(toy, 2)
        started.kill()
        started.wait()
        eventually(lambda: not any(map(alive, pids)), seconds=30)
    assert run().done == 2
    assert made() == expected


def test_what_no_machine_has_is_refused(cluster):
    from qbench_ray.executor import RayExecutor

    executor = RayExecutor()
    assert executor.at_once(Resources()) == 2
    assert executor.at_once(Resources(workers=64)) == 2
    with pytest.raises(InputError, match="no machine of the Ray cluster has what a work unit needs: 1 CPU, 1 GPU\n"):
        executor.at_once(Resources(device="cuda"))
    with pytest.raises(InputError, match="needs: 2 CPU\nThe machines have: 1 CPU, "):
        executor.at_once(Resources(cpus=2))
    with pytest.raises(InputError, match=r"needs: 1 CPU, 1048576\.0 GiB of memory"):
        executor.at_once(Resources(memory=2**50))
    with pytest.raises(InputError, match=r"Use device = .cuda."):
        executor.at_once(Resources(device="cuda:1"))
    unit = WorkUnit(id="a", kind=Kind.SPEED, benchmark="toys", wants=Resources(device="cuda", alone=True))
    with pytest.raises(InputError, match="1 CPU, 1 GPU"):
        executor.execute([unit], works, lambda result: None)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", r"^address 127\.0\.0\.1:1: no Ray cluster can be used \(.*refused\)\nStart it with `ray start"),
        ("nonsense", "Invalid address format: nonsense"),
        ("ray://head:10001", "cannot be run through a Ray client"),
    ],
)
def test_an_address_at_which_there_is_no_cluster_is_refused_at_once(address, said, monkeypatch):
    from qbench_ray.executor import RayExecutor

    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(InputError, match=said):
        RayExecutor(address).at_once(Resources())


def test_without_ray_it_is_listed_with_the_command_that_installs_it(monkeypatch):
    import qbench_ray

    with monkeypatch.context() as patch:
        patch.setattr(qbench_ray, "find_spec", lambda package: None)
        (record,) = qbench_ray.qbench_executors()
    plugin = Plugin(name="ray", module="qbench_ray", distribution="qbench-vlm", version="1")
    registry = Registry(plugins=[plugin])
    registry.entries["qbench_executors"].append(Entry(plugin=plugin, record=record))
    with pytest.raises(InputError, match=r"packages that are not installed\nInstall them: pip install .*\[ray\]"):
        plan_executor(ExecutorSpec(name="ray"), registry)
    with pytest.raises(InputError, match=r"unknown option 'adress'\nDid you mean 'address'"):
        plan_executor(ExecutorSpec(name="ray", options={"adress": "auto"}), discover())


def works(text):
    return UnitResult(unit=WorkUnit.from_json(text).id)


class TestContract(ExecutorContract):
    @pytest.fixture(params=["ray"])
    def executor(self, request, cluster):
        return request.param


def test_a_machine_that_is_gone_is_replaced_by_the_other(cluster, run, made, expected, toy):
    def gone():
        busy(toy, 2)
        cluster.remove_node(cluster.second)
        (toy / "slow").unlink()

    (toy / "slow").touch()
    for file in toy.glob("pid-*"):
        file.unlink()
    threading.Thread(target=gone).start()
    done = run()
    assert (done.done, done.failed) == (2, 0)
    assert made() == expected
