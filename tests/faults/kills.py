"""A command is killed at a random moment; the same run continues to the same results and leaves nothing behind."""

from __future__ import annotations

import random
import time

from .study import Outcome, Study

STAGES = {
    "from nothing": (("cache", "run"), "nothing"),
    "with the decoded images": (("cache/images", "cache/texts", "run"), "nothing"),
    "with the answers": (("run",), "answers"),
    "analyse": (("run/analysis",), "answers"),
    "report": ((), "answers"),
    "prune": ((), "answers"),
}
"""What a trial begins without, and which of the undisturbed runs takes about as long."""


def command(study: Study, stage: str) -> tuple[str, ...]:
    """The command that is killed."""
    if stage in ("analyse", "report"):
        return stage, str(study.run)
    if stage == "prune":
        return "cache", "prune", "--max-size", "0", "--yes"
    return study.again()


def kill(study: Study, seed: int) -> Outcome:
    """Kill a command once and continue; each stage comes in turn, the moment is drawn."""
    rng = random.Random(seed)
    stage = list(STAGES)[seed % len(STAGES)]
    without, like = STAGES[stage]
    study.fresh(*without)
    after = rng.uniform(0.0, study.seconds[like])
    process = study.start(*command(study, stage))
    time.sleep(after)
    process.kill()
    killed = study.ended(process).code
    if stage == "prune":
        study.remove("run")
    done = study.qbench(*study.again())
    why = done.wrong or (done.code and done.said) or study.differs() or study.left()
    if not why:
        checked = study.qbench("cache", "verify")
        why = checked.code and checked.said
    kind = "kill" if killed else "kill after the end"
    fault = f"seed {seed}: {stage}, after {after:.2f} s"
    return Outcome(kind=kind, fault=fault, result="bad" if why else "identical", why=str(why or ""))
