"""Whatever is in the files of a run folder: it is read, or refused with a message, and no other error is raised."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qbench.errors import QbenchError
from qbench.gate import check
from qbench.report.html import Look, sections_of
from qbench.results import load
from qbench.results.analysis import analyse_again
from qbench.runfolder.integrity import SEAL
from tests.unit.conftest import RunFolder

DEEP = json.loads("[" * 200 + "]" * 200)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 7, 10**25, -(10**25), 0.5, -0.0, 1e300, -1e300, float("nan"), float("inf"), DEEP),
    *("", "a", "\x00", "../../../etc/passwd", "/etc/passwd", "é" * 400, "\ud800", "a-b", "@", "[", "x@1", "1e5", "<b>"),
    *([], {}, [[]], [None], [1, "a"], {"": None}, {"a": {"a": []}}, ["a", "a"], {"age": {"young": 3}}),
)
COLUMN_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 10**18, 1e300, np.nan, np.inf, "", "a", "\x00", "x@1", "é" * 400, b"\xff", [1], {"a": 1}),
    *(pd.Timestamp("2020-01-01"), pd.Timedelta(1), np.float32(0.5)),
)
TABLES = ("cells", "metrics", "items", "cost", "drift", "speed", "layers", "coverage", "unavailable")
JUDGED = ("noise", "effects", "tests", "unpaired", "flags")


@dataclass(frozen=True)
class Mutation:
    """One change of one file, in words and as a function."""

    name: str
    apply: Callable[[], object]


def base(folder: Path) -> Path:
    """A small run folder that has every kind of file, as qbench wrote them before there were digests."""
    run = RunFolder(folder)
    for benchmark in ("imagenet", "facet", "fairface"):
        for quantizer in ("fp32", "hf-int8"):
            name = run.add("openai/ViT-B-32", quantizer, benchmark, classes=2, items=12)
            if benchmark == "fairface":
                places = {"query": ["a", "b"] * 5, "item": [*range(5)] * 2}
                run.rankings[name] = pd.DataFrame(places).sort_values("query", ignore_index=True)
    run.fail("openai/ViT-B-16", "fp32", "facet")
    run.add_noise(1)
    run.add_speed("openai/ViT-B-32", "fp32")
    run.run["spec"]["analysis"] = {"resamples": 99}
    cell = next(name for name in run.metrics if "facet/" in name and "hf-int8" in name)
    run.run["drift"] = [f"{cell}/drift-1234abcd.parquet"]
    run.write()
    items = run.items[cell]
    drift = items[["item", "gender", "age"]].assign(cosine=np.linspace(0.5, 1, len(items)))
    drift.to_parquet(folder / run.run["drift"][0], index=False)
    analyse_again(load(folder), {})
    return folder


def read_all(folder: Path, *, judge: bool, analyse: bool) -> None:
    """What the commands read: the tables; where `judge`, the verdicts and the gate; where `analyse`, all made anew."""
    results = load(folder)
    for name in TABLES:
        getattr(results, name)
    if judge or analyse:
        for name in JUDGED:
            getattr(results, name)
        check(results)
    if analyse:
        analyse_again(results, {})
        sections_of(load(folder), Look(charts=False))


def mutations(folder: Path, rng: random.Random) -> Iterator[Mutation]:
    """Random changes, without end; each of a file of `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".parquet"))
    while True:
        path = rng.choice(files)
        kinds = of_json if path.suffix == ".json" else of_table
        made = rng.choice([*kinds, *of_bytes])(path, rng)
        yield Mutation(f"{path.relative_to(folder)}: {made.name}", made.apply)


def another_value(path: Path, rng: random.Random) -> Mutation:
    values = json.loads(path.read_text())
    values.pop(SEAL, None)
    place, key, name = values, rng.choice(list(values)), ""
    while True:
        name += f"/{key}"
        inner = place[key]
        if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.15:
            break
        place, key = inner, rng.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
    action = rng.choice(["replace"] * 6 + ["remove", "add", "repeat"])
    value = rng.choice(VALUES)
    if action == "remove":
        del place[key]
    elif action == "add" and isinstance(place, dict):
        place[str(value)] = rng.choice(VALUES)
    elif action == "repeat" and isinstance(place, list):
        place.append(place[key])
    else:
        place[key] = value
    return Mutation(f"{action} {name} {value!r:.60}", lambda: path.write_text(json.dumps(values), "utf-8"))


def other_bytes(path: Path, rng: random.Random) -> Mutation:
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    content[at] ^= 1 << rng.randrange(8)
    return Mutation(f"byte {at} is {content[at]}", lambda: path.write_bytes(bytes(content)))


def other_text(path: Path, rng: random.Random) -> Mutation:
    text = rng.choice(['{"a": ' * 5000, "1" * 5000, '{"format": ' + "9" * 5000 + "}", "", "null", "[]", "\x00", "PAR1"])
    return Mutation(f"{text[:20]!r}", lambda: path.write_text(text, "utf-8"))


def other_table(path: Path, rng: random.Random) -> Mutation:
    table = pd.read_parquet(path)
    column = rng.choice(list(table.columns)) if len(table.columns) else ""
    action = rng.choice(["drop", "fill", "one", "shorter", "longer", "empty", "rename", "swap", "text", "category"])
    value = rng.choice(COLUMN_VALUES)
    if action == "drop":
        table = table.drop(columns=column)
    elif action == "fill":
        table[column] = pd.Series([value] * len(table), dtype=object)
    elif action == "one" and len(table):
        changed = table[column].astype(object).copy()
        changed.iloc[rng.randrange(len(table))] = value
        table[column] = changed.infer_objects()
    elif action == "shorter":
        table = table.iloc[: len(table) // 2]
    elif action == "longer":
        table = pd.concat([table, table.iloc[: rng.randint(1, 3)]], ignore_index=True)
    elif action == "empty":
        table = table.iloc[:0]
    elif action == "rename":
        table = table.rename(columns={column: rng.choice(["a", "item", "value", "cosine", "image", "order", "model"])})
    elif action == "swap":
        table = table.sample(frac=1, random_state=rng.randrange(99), ignore_index=True)
    elif action == "text":
        table[column] = table[column].astype(str)
    else:
        table[column] = table[column].astype("category")

    def write() -> None:
        try:
            table.to_parquet(path, index=False)
        except Exception:  # this value cannot be written to a Parquet file
            path.write_bytes(b"PAR1")

    return Mutation(f"{action} {column} {value!r:.60}", write)


of_json = (another_value,) * 6
of_table = (other_table,) * 6
of_bytes = (other_bytes, other_text)


def failures(folder: Path, some: Iterable[Mutation], use: Callable[[int], object]) -> list[str]:
    """Apply one mutation at a time and use the run folder; list every error that is not a message with a place."""
    found = []
    kept = shutil.copytree(folder, folder.with_name("kept"))
    for number, mutation in enumerate(some):
        mutation.apply()
        try:
            use(number)
        except QbenchError as error:
            if error.exit_code != 2 or not error.where:
                found.append(f"{mutation.name}: {error}")
        except Exception as error:
            found.append(f"{mutation.name}: {type(error).__name__}: {error}")
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
    return found


def test_mutated_files_are_read_or_refused_with_a_message(tmp_path: Path) -> None:
    folder = base(tmp_path / "run")
    some = itertools.islice(mutations(folder, random.Random(1)), 120)
    assert failures(folder, some, lambda i: read_all(folder, judge=i % 20 == 0, analyse=i % 60 == 0)) == []
