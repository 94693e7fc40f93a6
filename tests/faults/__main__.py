"""All faults in full: ``make soak``, or ``python -m tests.faults [--kills N] [--flips N] … [--seed N]``.

Prints what came of them as a table, and everything that is bad with its seed; exits with 1 where something is. With
``--write`` the table goes into docs/reliability.md. SIGINT (Ctrl-C) ends it early, with what was tried until then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from .flips import flip, mutated_store
from .kills import kill
from .machine import machine_fault
from .mutants import inputs, mutated_images, mutated_input, mutated_run
from .power import power_loss, power_losses
from .study import RESULTS, Outcome, Study

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
FIGURES = re.compile(r"(<!-- figures of make soak -->\n).*?(<!-- end -->)", re.DOTALL)
FULL = {
    "power": 1,
    "losses": 60,
    "inputs": 1800,
    "runs": 250,
    "images": 35,
    "store": 200,
    "machine": 35,
    "kills": 132,
    "flips": 2000,
}
"""How many of each kind, without those that nothing met."""
TRIES = 3
"""So many times as many are tried where nothing meets them."""


def outcomes(study: Study, folder: Path, numbers: dict[str, int], seed: int, minutes: float) -> Iterator[Outcome]:
    """Inject the faults one after another, each kind with its share of the time."""
    inputs(folder / "inputs")
    ways: dict[str, Callable[[int], list[Outcome]]] = {
        "power": lambda n: [power_loss(study, n)],
        "losses": lambda n: power_losses(study, n),
        "inputs": lambda n: [mutated_input(folder / "inputs", n)],
        "runs": lambda n: [mutated_run(study, n)],
        "images": lambda n: [mutated_images(study, n)],
        "store": lambda n: mutated_store(study, n),
        "machine": lambda n: [machine_fault(study, n)],
        "kills": lambda n: [kill(study, n)],
        "flips": lambda n: flip(study, n),
    }
    end = time.monotonic() + 60 * minutes
    left = len(ways)
    for kind, way in ways.items():
        stop = time.monotonic() + (end - time.monotonic()) / left
        left -= 1
        study.fresh()
        met = 0
        for n in range(seed, seed + TRIES * numbers[kind]):
            if time.monotonic() > stop or met >= numbers[kind]:
                break
            found = way(n)
            met += sum(x.result != "not met" for x in found)
            yield from found


def table(found: list[Outcome]) -> str:
    """What came of the faults, as a Markdown table: one row for each kind."""
    counts = Counter((x.kind, x.result) for x in found)
    lines = [f"| kind | tried | {' | '.join(RESULTS)} |", "|---" * (len(RESULTS) + 2) + "|"]
    for kind in sorted({x.kind for x in found}):
        numbers = [counts[kind, result] for result in RESULTS]
        tried = sum(numbers) - counts[kind, "not met"] - counts[kind, "skipped"]
        lines.append(f"| {kind} | {tried:,} | {' | '.join(f'{x:,}' for x in numbers)} |")
    return "\n".join([*lines, *sorted({f"\nSkipped: {x.kind}: {x.why}" for x in found if x.result == "skipped"})])


def main() -> int:
    """Inject the faults; 1 where something is bad."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.faults")
    for name, number in FULL.items():
        parser.add_argument(f"--{name}", type=int, default=number, help=f"default {number}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=600, help="the longest time; what it cuts off is not tried")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/reliability.md")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts in the background ignore it
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder) / "study")
        try:
            for outcome in outcomes(study, Path(folder), vars(given), given.seed, given.minutes):
                found.append(outcome)
                if outcome.result == "bad":
                    print(f"bad: {outcome.kind}, {outcome.fault}: {outcome.why}", flush=True)
        except KeyboardInterrupt:
            print("Ended by SIGINT; the fault that was being tried is not counted.", flush=True)
            for process in multiprocessing.active_children():
                process.kill()
        longest = f"No command hung; the longest took {study.longest:.1f} s, that with a sleeping decoder left out."
    hung = any("it hangs" in x.why for x in found)
    figures = table(found) + ("" if hung else f"\n\n{longest}")
    print(figures)
    if given.write:
        command = f"`python -m {parser.prog.split()[-1]} {' '.join(x for x in sys.argv[1:] if x != '--write')}`"
        said = f"{command.replace(' `', '`')}, seed {given.seed}, {datetime.now(UTC):%Y-%m-%d}:\n\n{figures}\n"
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(FIGURES.sub(lambda x: f"{x[1]}{said}{x[2]}", page), encoding="utf-8")
    return int(any(x.result == "bad" for x in found))


if __name__ == "__main__":
    sys.exit(main())
