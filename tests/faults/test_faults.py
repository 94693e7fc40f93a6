"""The injection of faults in small: `make soak` does all of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from qbench.results.verify import verify

from .flips import flip
from .kills import STAGES, kill
from .machine import by_a_library
from .mutants import inputs, mutated_input, mutated_run
from .power import Disk, lost, power_loss, power_losses
from .shards import PARTS, four_at_once, small_parts
from .study import Ended, Outcome, Study

SEED = 100_000
"""Not those of `make soak`, which begin at 0."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("faults") / "study")


def test_numbers_and_verdicts_of_a_declared_dataset_are_made_again(study: Study) -> None:
    study.fresh()
    found = verify(study.run)
    assert (found.exit_code, found.recomputed, found.analysed) == (0, 2, True), found.findings


def well(outcome: Outcome) -> Outcome:
    assert outcome.result != "bad", outcome
    return outcome


@pytest.mark.parametrize("stage", ["answer"])
def test_a_killed_run_continues_to_the_same_results(study: Study, stage: str) -> None:
    seed = next(n for n in range(SEED, SEED + len(STAGES)) if list(STAGES)[n % len(STAGES)] == stage)
    well(kill(study, seed))


def test_four_shards_at_once_give_the_same_results_though_one_is_killed(study: Study) -> None:
    ended = four_at_once(study, killed=3)
    assert [done.code for done in ended] == [0, 0, -9, 0]
    assert not (study.run / "report.html").exists()
    for number in (3, 1):  # the second time, all is there
        done = study.qbench(*study.again("--shard", f"{number}/{PARTS}"), before=small_parts)
        assert f"Shard {number}/{PARTS} is the last one." in done.said
        assert (done.code, done.wrong, study.differs(), study.left()) == (0, "", "", "")


def test_flipped_bits_change_no_result(study: Study) -> None:
    assert "healed" in {well(one).result for seed in (SEED, SEED + 1) for one in flip(study, seed)}


def test_a_finished_run_is_on_the_disk(study: Study) -> None:
    well(power_loss(study, SEED))


def test_a_run_continues_from_what_a_power_loss_leaves(study: Study) -> None:
    found = [well(one) for one in power_losses(study, SEED, sampled=0.01)]
    assert found[-1].kind == "power loss after the run"


def test_what_is_not_put_on_the_disk_is_lost(tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    for folder in (root, out):
        folder.mkdir()
    disk = Disk(root, out, random.Random(0))

    def left() -> dict[str, str]:
        name = str(len(list(out.iterdir())))
        disk.write(name, mixed=False)
        return {path.name: path.read_text() for path in (out / name).iterdir()}

    (root / "a").write_text("1")
    assert left() == {}
    disk.put(root)
    assert left() == {"a": ""}
    disk.put(root / "a")
    (root / "b").write_text("2")
    disk.put(root / "b")
    (root / "b").rename(root / "a")
    assert left() == {"a": "1"}
    disk.put(root)
    (root / "a").write_text("3")
    assert left() == {"a": "2"}


def test_mutated_records_of_a_run_are_refused(study: Study) -> None:
    study.fresh()
    assert "refused" in {well(mutated_run(study, seed)).result for seed in range(SEED, SEED + 10)}


def test_mutated_inputs_are_read_or_refused(tmp_path: Path) -> None:
    inputs(tmp_path / "inputs")
    found = {well(mutated_input(tmp_path / "inputs", seed)).result for seed in range(SEED, SEED + 60)}
    assert found == {"read", "refused"}


def test_what_a_power_loss_takes_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    file, folder = (str(x.stat().st_ino) for x in (path, tmp_path))
    named = ["rename", file, str(path)]
    assert lost([["fsync", file], named, ["fsync", folder]], tmp_path, {"a.json"}) == []
    assert "before it is on the disk" in lost([named, ["fsync", file], ["fsync", folder]], tmp_path, {"a.json"})[0]
    assert "its name in" in lost([["fsync", folder], ["fsync", file], named], tmp_path, {"a.json"})[0]
    assert "not put on the disk" in lost([named, ["fsync", folder]], tmp_path, {"a.json"})[0]


def test_what_ends_a_process_without_an_exception_is_told_from_a_crash() -> None:
    rust = "memory allocation of 128 bytes failed\nskipping backtrace printing"
    assert by_a_library(Ended(code=-6, said=rust))
    assert by_a_library(Ended(code=127, said="python: cannot allocate memory for thread-local data: ABORT"))
    assert not by_a_library(Ended(code=-11, said=rust))
    assert not by_a_library(Ended(code=-11, said="failed: jobs: there is not enough memory, or no more processes"))
    assert not by_a_library(Ended(code=-6, said="double free or corruption"))
    assert not by_a_library(Ended(code=None, said=rust))
