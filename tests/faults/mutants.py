"""Mutated inputs: read as written, refused, or a failed cell; never a traceback, a defect of qbench, or a hang."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, suppress
from pathlib import Path

from PIL import Image

from qbench.errors import InputError
from qbench.results import load
from qbench.results.verify import verify
from qbench.runfolder.integrity import sealed
from tests.unit.mutations import JSON, mutated
from tests.unit.test_mutations import READERS

from .study import Outcome, Study, names

SECONDS = 15
"""Reading one file takes milliseconds."""


def _judged(kind: str, seed: int, read: Callable[[], object]) -> Outcome:
    fault = f"seed {seed}"
    try:
        with _time_limit():
            read()
    except InputError:
        return Outcome(kind=kind, fault=fault, result="refused")
    except Exception as error:
        return Outcome(kind=kind, fault=fault, result="bad", why=repr(error)[:2000])
    return Outcome(kind=kind, fault=fault, result="read")


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError("it hangs")

    usual = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)


def inputs(folder: Path) -> None:
    """Write the inputs that are mutated, each without a mutation."""
    folder.mkdir()
    for name, text, *_ in READERS.values():
        (folder / name).write_text(text, encoding="utf-8")
    for i, name in enumerate("abcd"):
        Image.new("RGB", (20, 20), (50 * i, 0, 0)).save(folder / f"{name}.png")


def mutated_input(folder: Path, seed: int) -> Outcome:
    """Mutate one of the inputs in a folder: a spec, a policy, a description, a table, a prompt set, a manifest."""
    kind = list(READERS)[seed % len(READERS)]
    name, text, ways, read = READERS[kind]
    (folder / name).write_bytes(mutated(text.encode(), ways, seed))
    try:
        with chdir(folder):
            return _judged(f"mutated {kind}", seed, lambda: read(folder))
    finally:
        (folder / name).write_text(text, encoding="utf-8")


def mutated_run(study: Study, seed: int) -> Outcome:
    """Mutate a record of a run folder; half of those that are still JSON get the digest of what they say now."""
    rng = random.Random(seed)
    path = study.run / rng.choice(sorted(x for x in names(study.run) if x.endswith(".json")))
    content = path.read_bytes()
    changed = mutated(content, JSON, seed)
    if rng.random() < 0.5:
        with suppress(ValueError, TypeError, RecursionError):  # it is not a JSON object any more
            changed = json.dumps(sealed(json.loads(changed))).encode()
    path.write_bytes(changed)

    def read() -> None:
        results = load(study.run)
        assert results.flags is not None
        if verify(study.run).exit_code == 1:
            raise InputError("qbench verify says that something differs")

    try:
        return _judged(f"mutated {path.name}", seed, read)
    finally:
        path.write_bytes(content)


def mutated_images(study: Study, seed: int) -> Outcome:
    """Damage every image of the study, and run it."""
    rng = random.Random(seed)
    kept = study.folder / "kept"
    shutil.copytree(study.folder / "images", kept)
    for path in sorted((study.folder / "images").iterdir()):
        content = bytearray(path.read_bytes())
        for _ in range(rng.choice((0, 0, 1, 1, 20))):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path.write_bytes(content[: rng.choice((len(content), len(content), rng.randrange(len(content))))])
    study.fresh("cache", "run")
    try:
        done = study.qbench(*study.again("--no-report"))
    finally:
        shutil.rmtree(study.folder / "images")
        kept.rename(study.folder / "images")
    return Outcome(
        kind="all images mutated", fault=f"seed {seed}", result="bad" if done.wrong else done.result, why=done.wrong
    )
