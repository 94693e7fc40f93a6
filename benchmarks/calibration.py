"""Whether the intervals, tests and verdicts hold what is claimed of them, as the tables of docs/calibration.md.

Run: ``python benchmarks/calibration.py --jobs 2 --out docs/calibration.md`` (with ``--regime NAME`` one part, which is
put into the file in place of the old). Exits with 1 where a band is missed that is not declared.
"""

from __future__ import annotations

import argparse
import importlib
import math
import pkgutil
import re
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import calibrate
import numpy as np
from calibrate.regime import Cell, Regime, misses

HEAD = """# Calibration: how often intervals, tests and verdicts are correct

These tables come from simulated data whose true values are known: many data sets, to which the functions of
`qbench/stats` are applied. *Coverage* is how often a 95 % interval contains the true value. *False alarm* is how
often a test at 5 % rejects although its null hypothesis is true. *False "equivalent"* is how often that
interval lies inside the margin although the true change is as large as the margin; its nominal rate is 2.5 %. Each
regime states which rates are claimed. A rate is a miss if it is outside the claimed range by more than three Monte
Carlo standard errors (at 95 %, this is 0.7 points for 10,000 replicates). The columns after those three show other
methods on the same data; they are not judged.

Made by `python benchmarks/calibration.py --jobs 2 --out docs/calibration.md`. How often the gate as a whole is wrong,
and what it can decide, is simulated in [gate.md](gate.md#how-often-it-is-wrong).
"""


def regimes() -> list[Regime]:
    """All regimes of the modules of `calibrate`, in the order of the modules' names."""
    names = sorted(m.name for m in pkgutil.iter_modules(calibrate.__path__))
    modules = [importlib.import_module(f"calibrate.{name}") for name in names]
    return [regime for module in modules for regime in getattr(module, "REGIMES", [])]


def cells_of(name: str, seed: int, replicates: int | None) -> tuple[list[Cell], float]:
    """The cells of a regime, by a stream of its own whichever others run; and the seconds of a processor they took."""
    regime = next(r for r in regimes() if r.name == name)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    cells = regime.run(rng, replicates or regime.replicates)
    return cells, time.process_time()


def percent(share: float) -> str:
    """A share in per cent, or a dash."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def bounds(low: float, high: float) -> str:
    """A band in words."""
    if math.isnan(low):
        return "no claim" if math.isnan(high) else f"at most {percent(high)}"
    return f"at least {percent(low)}" if math.isnan(high) else f"{percent(low)} to {percent(high)}"


def section(regime: Regime, cells: list[Cell], seed: int) -> str:
    """The heading, the claim and the table of a regime."""
    beside = list(dict.fromkeys(name for cell in cells for name in cell.beside))
    heads = [
        "simulated world",
        "replicates",
        "coverage",
        "false alarm",
        'false "equivalent"',
        *beside,
        "within the claim",
    ]
    rows = []
    for cell in cells:
        missed = misses(cell, regime.band)
        numbers = (
            cell.coverage,
            cell.false_alarm,
            cell.false_equivalent,
            *(cell.beside.get(b, math.nan) for b in beside),
        )
        rows.append([cell.label, f"{cell.replicates:,}", *map(percent, numbers), "; ".join(missed) or "yes"])
    band = regime.band
    claim = (
        f"Claimed: coverage {bounds(*band.coverage)}; false alarm {bounds(*band.alarm)}; "
        f'false "equivalent" {bounds(math.nan, band.equivalent)}.'
    )
    table = [heads, ["---"] * len(heads), *rows]
    parts = [
        f"## {regime.title}",
        regime.about,
        claim,
        *([f"**Known to miss:** {regime.missed}"] if regime.missed else []),
        "\n".join("| " + " | ".join(row) + " |" for row in table),
        f"`python benchmarks/calibration.py --regime {regime.name} --seed {seed}`",
    ]
    return "\n\n".join(parts) + "\n"


def merged(text: str, title: str, new: str) -> str:
    """The page `text` with the part headed `title` replaced by `new`, or added at its end."""
    parts = re.split(r"(?m)^(?=## )", text)
    at = [i for i, part in enumerate(parts) if part.startswith(f"## {title}\n")]
    parts = [p.rstrip("\n") + "\n" for p in parts]
    if at:
        parts[at[0]] = new
    else:
        parts.append(new)
    return "\n".join(parts)


def main() -> int:
    """Run the regimes asked for."""
    found = regimes()
    parser = argparse.ArgumentParser(description="Calibration of qbench's statistics by simulation.")
    parser.add_argument("--regime", choices=[r.name for r in found], help="one regime only")
    parser.add_argument("--replicates", type=int, help="of each world; else as the regime says")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time; changes no number")
    parser.add_argument("--out", type=Path, help="the Markdown file to write or to renew; else standard output")
    arguments = parser.parse_args()
    page, undeclared = HEAD, 0
    if arguments.out and arguments.out.exists() and arguments.regime:
        page = arguments.out.read_text(encoding="utf-8")
    chosen = [r for r in found if arguments.regime in (None, r.name)]
    with ProcessPoolExecutor(arguments.jobs, max_tasks_per_child=1) as pool:
        # The last take longest, so they are begun first.
        given = {r.name: pool.submit(cells_of, r.name, arguments.seed, arguments.replicates) for r in chosen[::-1]}
        for regime in chosen:
            cells, seconds = given[regime.name].result()
            print(f"{regime.name}: {seconds:.0f} s of one core", file=sys.stderr, flush=True)
            undeclared += 0 if regime.missed else sum(bool(misses(cell, regime.band)) for cell in cells)
            page = merged(page, regime.title, section(regime, cells, arguments.seed))
            if arguments.out:
                arguments.out.write_text(page, encoding="utf-8")
    if not arguments.out:
        print(page)
    return int(undeclared > 0)


if __name__ == "__main__":
    sys.exit(main())
