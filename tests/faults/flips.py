"""One bit of a stored file is flipped: the same results, and what was damaged is made again and said."""

from __future__ import annotations

import random
from pathlib import Path

from .study import Outcome, Study, names

NEEDS: dict[str, tuple[str, ...]] = {
    "pixels": ("cache/images", "run"),
    "checked": ("cache/variants", "run"),
}
"""What has to be missing for a part of the cache to be read; of the others, the run."""
REWRITTEN = ("run/report.html", "run/environment.json")
"""Each run writes them anew, whatever is in them."""
SAID = ("damaged", "made again", "computed again")


def flipped(path: Path, rng: random.Random) -> str:
    """Flip one bit of a file; which."""
    content = bytearray(path.read_bytes())
    at, bit = rng.randrange(len(content)), rng.randrange(8)
    content[at] ^= 1 << bit
    path.write_bytes(content)
    return f"byte {at}, bit {bit}"


def flip(study: Study, seed: int) -> Outcome:
    """Flip a bit of a file of the cache folder or of the run folder, and run again."""
    rng = random.Random(seed)
    study.fresh()
    files = sorted(x for x in names(study.trial) if (study.trial / x).stat().st_size)
    name = rng.choice(files)
    fault = f"seed {seed}: {name}, {flipped(study.trial / name, rng)}"
    where, part, *_ = name.split("/")
    damaged = name not in REWRITTEN and bool(study.differs())
    if where == "cache":
        study.remove(*NEEDS.get(part, ("run",)))
    report = name == "run/report.html"
    done = study.qbench(*study.again("--report" if report else "--no-report"))
    why = done.wrong or (done.code and done.said) or study.differs(report=report)
    said = any(word in done.said for word in SAID)
    if not why and damaged and not said:
        why = "a result was damaged, and this is not said"
    return Outcome(
        kind=f"bit flip in the {where} folder",
        fault=fault,
        result="bad" if why else "healed" if said else "identical",
        why=str(why or ""),
    )
