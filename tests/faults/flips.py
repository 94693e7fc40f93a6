"""Stored files are damaged: `qbench verify` or `qbench cache verify` finds each, and the next run has the same results.

In the cache folder, some damage need not be found by the command, only be without effect: a list of shards that is cut
off after one of its lines is that of an array that is not finished.

Several files that do not depend on one another are damaged at once. Where something is wrong, each is damaged alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qbench.results.verify import Verdict, verify
from qbench.runfolder.integrity import DamageError
from qbench.store.cache import Cache
from qbench.store.inventory import fault, inventory

from .study import Outcome, Study, names

AT_ONCE = 10
FLIP = "bit flip"
SHARDS = "shards.jsonl"
NEEDS: dict[str, tuple[str, ...]] = {"pixels": ("cache/images",), "checked": ("cache/variants",)}
"""What has to be missing, with the run folder, for a part of the cache to be read."""
CHARTS = "cache/charts/"
"""What only a report reads."""
RECORD = "run/run.json"
"""Where it is damaged, nothing else of the run folder is looked at."""
REWRITTEN = (RECORD, "run/environment.json")
"""Each run writes them anew from the spec and the machine, whatever is in them."""
NO_RESULT = (".lock", ".claims", "in-use", ".log", ".jsonl", ".html")
"""How files end that no command reads; lists of shards are read."""


@dataclass(frozen=True)
class Damage:
    """A change of one file.

    Attributes
    ----------
    name : str
        The file, relative to the trial.
    what : str
        The change, in words.
    changed : bytes
        What the file then says.
    """

    name: str
    what: str
    changed: bytes

    def __str__(self) -> str:
        """The file and the change."""
        return f"{self.name}, {self.what}"


def flipped(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Flip one bit; which, and the result."""
    at, bit = rng.randrange(len(content)), rng.randrange(8)
    return f"byte {at}, bit {bit}", content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


def mutated(content: bytes, rng: random.Random) -> tuple[str, bytes]:
    """Cut off, remove, insert, replace or exchange bytes; what, and the result."""
    a, b = sorted(rng.sample(range(len(content) + 1), 2))
    noise = rng.randbytes(rng.choice((1, 4, 100)))
    lines = content.splitlines(keepends=True)
    rng.shuffle(lines)
    ways = {
        "cut off": content[:a],
        "emptied": b"",
        f"without bytes {a} to {b}": content[:a] + content[b:],
        f"{len(noise)} bytes inserted at {a}": content[:a] + noise + content[a:],
        f"{len(noise)} bytes added": content + noise,
        f"bytes {a} to {b} are zero": content[:a] + bytes(b - a) + content[b:],
        f"bytes {a} to {b} twice": content[:b] + content[a:],
        "lines in another order": b"".join(lines),
        "other bytes": rng.randbytes(len(content)),
        "JSON of something else": json.dumps({"format": 1, "sha256": noise.hex()}).encode(),
    }
    what = rng.choice(list(ways))
    return what, ways[what]


def _part(name: str) -> str:
    """Of the files with the same part, one is damaged at a time: one that is made again makes others again."""
    where, part, *rest = name.split("/")
    if where == "cache":
        return "/".join((part, *rest[:2])) if part in ("images", "texts") else name.rsplit(".", 1)[0]
    return "/".join((part, *rest[:-1])) + ("/drift" if rest and rest[-1].startswith("drift") else "")


def _together(study: Study, rng: random.Random) -> list[str]:
    """The files that are damaged at once."""
    files = [x for x in names(study.trial) if (study.trial / x).stat().st_size]
    files = sorted(x for x in files if not x.endswith(NO_RESULT) or x.endswith(SHARDS))
    first = rng.choice(files)
    if first == RECORD:
        return [first]
    where, part, *_ = first.split("/")
    gone = NEEDS.get(part, ())
    rng.shuffle(files)
    found = {_part(first): first}
    for name in files:
        like = name.split("/")[:2]
        if name != RECORD and like[0] == where and not name.startswith(gone) and NEEDS.get(like[1], gone) in ((), gone):
            found.setdefault(_part(name), name)
    return list(found.values())[:AT_ONCE]


def damage(
    study: Study, seed: int, kind: str, way: Callable[[bytes, random.Random], tuple[str, bytes]]
) -> list[Outcome]:
    """Damage a few files of the cache folder or of the run folder, and run again."""
    rng = random.Random(seed)
    study.fresh()
    damages = [Damage(name, *way((study.trial / name).read_bytes(), rng)) for name in _together(study, rng)]
    damages = [x for x in damages if x.changed != (study.trial / x.name).read_bytes()]
    found = _run(study, seed, kind, damages)
    if len(damages) > 1 and any(x.result == "bad" for x in found):
        return [x for one in damages for x in _run(study, seed, kind, [one])]
    return found


def _run(study: Study, seed: int, kind: str, damages: list[Damage]) -> list[Outcome]:
    study.fresh()
    where = damages[0].name.split("/")[0]
    for one in damages:
        (study.trial / one.name).write_bytes(one.changed)
    found = _found(study, where)
    if where == "cache":
        gone = sorted({x for one in damages for x in NEEDS.get(one.name.split("/")[1], ())})
        study.remove(*gone, "run")
    report = any(one.name.startswith(CHARTS) for one in damages)
    done = study.qbench(*study.again(*([] if report else ["--no-report"])))
    why = done.wrong or (done.code and done.said) or study.differs(report=report)
    if not why and where == "run" and (still := _found(study, where)):
        why = f"after the run, still damaged: {still}"
    outcomes = []
    for one in damages:
        path = study.trial / one.name
        said = _named(path, done.said)
        wrong = str(why or "")
        named = any(path == x or path.is_relative_to(x) for x in found)
        if not wrong and not named and (where == "run" or (kind == FLIP and path.name != SHARDS)):
            wrong = "neither `qbench verify` nor `qbench cache verify` finds it"
        if not wrong and where == "run" and one.name not in REWRITTEN and not said:
            wrong = "a result was damaged, and the run does not say so"
        result = "bad" if wrong else "healed" if said else "identical"
        fault = f"seed {seed}: {one}"
        place = "/".join(one.name.split("/")[:2])
        outcomes.append(Outcome(kind=f"{kind} in {place}", fault=fault, result=result, why=wrong))
    return outcomes


def _named(path: Path, said: str) -> bool:
    """Whether a message names a file, or the array or folder that it is a part of."""
    text = said.replace("\n", "")
    return any(x in text for x in (str(path), f"{path.parent}: {path.name}")) or (
        path.parent.suffix == ".array" and str(path.parent) in text
    )


def _found(study: Study, where: str) -> list[Path]:
    """The files that the two commands say are damaged."""
    if where == "run":
        try:
            findings = verify(study.run).findings
        except DamageError as error:
            return [Path(error.where)]
        return [study.run / x.file for x in findings if x.verdict is Verdict.DIFFERS]
    cache = Cache(study.cache)
    things = inventory(cache)
    damaged = [x for thing in things.things if fault(cache, thing) for x in (thing.path, *thing.files)]
    return [*damaged, *things.unknown]


def flip(study: Study, seed: int) -> list[Outcome]:
    """Flip a bit in each of a few files."""
    return damage(study, seed, FLIP, flipped)


def mutated_store(study: Study, seed: int) -> list[Outcome]:
    """Damage a few files of the cache folder or of the run folder otherwise."""
    return damage(study, seed, "other damage", mutated)
