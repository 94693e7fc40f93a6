"""A command is killed at a random moment; the same run continues to the same results and leaves nothing behind."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any

from .study import SECONDS, Outcome, Study, names, results

LONG = 10 * SECONDS
"""Seconds after which a search hangs, which is several runs."""
NO_ANSWERS = ("cache/images", "cache/texts", "run")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a trial begins without, and when it is killed.

    Attributes
    ----------
    without : tuple of str
        Folders that are removed before.
    logged : str
        The command is killed after its log says that this begins; at any moment if empty.
    command : tuple of str
        The command that is killed; the run if empty.
    report : bool
        Whether the command writes the report, which is then compared too.
    repeated : bool
        Whether the command itself continues what was killed, in a folder of its own; otherwise, the run does.
    """

    without: tuple[str, ...] = ()
    logged: str = ""
    command: tuple[str, ...] = ()
    report: bool = False
    repeated: bool = False


STAGES = {
    "decode": Stage(without=("cache", "run"), logged="decode"),
    "answer": Stage(without=NO_ANSWERS, logged="answer"),
    "score": Stage(without=("run",), logged="score"),
    "drift": Stage(without=("run",), logged="drift"),
    "run": Stage(without=("cache", "run")),
    "analyse": Stage(without=("run/analysis",), command=("analyse",), report=True),
    "report": Stage(command=("report",), report=True),
    "prune": Stage(command=("cache", "prune", "--max-size", "0G", "--yes")),
    "ablate": Stage(
        without=("cache", "run"), command=("ablate", "spec.toml", "--by", "part", "--no-report"), repeated=True
    ),
    "tune": Stage(without=("cache", "run"), command=("tune", "search.toml", "--by", "part"), repeated=True),
    "diagnose": Stage(without=("cache", "run"), command=("diagnose", "spec.toml"), repeated=True),
}
SEARCH = "search"
"""The folder of the trial into which the last three write."""


def words(study: Study, stage: Stage) -> tuple[str, ...]:
    """The command that is killed."""
    if not stage.command:
        return study.again("--no-report")
    if stage.repeated:
        return (*stage.command, "--out", str(study.trial / SEARCH))
    return (*stage.command, str(study.run)) if stage.report else stage.command


def logged(study: Study, stage: str, what: str) -> list[float | None]:
    """The seconds that the log of the trial says of a stage; what is being written at the moment is left out."""
    path = study.run / "run.log.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    records = [json.loads(line) for line in lines]
    return [x["seconds"] for x in records if x["stage"] == stage and x["what"].startswith(what)]


def duration(study: Study, name: str) -> float:
    """How long what is killed takes when it is not."""
    if name not in study.seconds:
        stage = STAGES[name]
        study.fresh(*stage.without)
        started = time.monotonic()
        done = study.qbench(*words(study, stage), seconds=LONG if stage.repeated else SECONDS)
        assert done.code == 0, done.said
        whole = time.monotonic() - started
        if stage.repeated:
            study.searches[name] = results(study.trial / SEARCH), names(study.trial)
        said = [x for x in logged(study, stage.logged, "is done") if x] if stage.logged else [whole]
        study.seconds[name] = max(said)
    return study.seconds[name]


def wait(study: Study, stage: Stage, process: BaseProcess, time_: int) -> None:
    """Wait until a stage begins for the nth time, or the command has ended."""
    while stage.logged and process.is_alive() and len(logged(study, stage.logged, "begins")) < time_:
        time.sleep(0.002)


def working(study: Study) -> str:
    """The last stage that has begun and has not ended."""
    begun = [x for x in ("data", "model", "decode", "answer", "score", "drift") if logged(study, x, "begins")]
    ends = ("is done", "is open")
    return " ".join(
        x for x in begun if len(logged(study, x, "begins")) > sum(len(logged(study, x, end)) for end in ends)
    )


def kill(study: Study, seed: int) -> Outcome:
    """Kill a command once and continue; each stage comes in turn, the moment is drawn."""
    rng = random.Random(seed)
    name = list(STAGES)[seed % len(STAGES)]
    stage = STAGES[name]
    after = rng.uniform(0.0, duration(study, name))
    study.fresh(*stage.without)
    process = study.start(*words(study, stage))
    wait(study, stage, process, rng.choice((1, 2)) if name in ("answer", "score") else 1)
    time.sleep(after)
    process.kill()
    seconds = LONG if stage.repeated else SECONDS
    killed = study.ended(process, seconds).code
    during = name if stage.command else working(study) or "between stages"
    why = _again(study, name, stage)
    if not why:
        checked = study.qbench("cache", "verify")
        why = (checked.code and checked.said) or ""
    usual = "identical" if killed else "not met"
    fault = f"seed {seed}: {name}, after {after:.3f} s"
    return Outcome(kind=f"kill: {during}", fault=fault, result="bad" if why else usual, why=why)


def _again(study: Study, name: str, stage: Stage) -> str:
    """Continue what was killed; what is wrong with what comes of it, empty where nothing is."""
    if stage.repeated:
        done = study.qbench(*words(study, stage), seconds=LONG)
        wanted, usual = study.searches[name]
        return done.wrong or (done.said if done.code else "") or _differs(study, wanted) or study.left(usual)
    if name == "prune":
        study.remove("run")
    done = study.qbench(*study.again(*(() if stage.report else ("--no-report",))))
    return done.wrong or (done.said if done.code else "") or study.differs(report=stage.report) or study.left()


def _differs(study: Study, wanted: dict[str, Any]) -> str:
    found = results(study.trial / SEARCH)
    return ", ".join(x for x in sorted({*found, *wanted}) if found.get(x) != wanted.get(x))
