"""Whether two cells can be compared: what must be the same, what may differ if that is meant, and what always may."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from qbench.comparisons import CellPair
from qbench.errors import InputError
from qbench.plugins.options import make_options, public_options
from qbench.plugins.registry import installed
from qbench.runfolder.reader import Cell
from qbench.runfolder.schema import BenchmarkInfo, CellRecord

DIGEST = re.compile(r"[0-9a-f]{40,}")
ALLOWABLE = frozenset({"preprocessing", "prompts", "batch", "checkpoint"})
"""Kinds of differences that a spec may say are intended."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something in which a cell differs from the one that it is compared with.

    Attributes
    ----------
    kind : str
        What it is about. A spec can allow those of `ALLOWABLE`, and cannot allow ``data``, ``rules`` and ``probe``.
    what : str
        In words, such as "another limit".
    mine, its : object
        The two values.
    """

    kind: str
    what: str
    mine: Any
    its: Any

    @property
    def values(self) -> str:
        """Both values in words, of options only those that differ.

        Examples
        --------
        >>> Difference(
        ...     kind="rules", what="", mine={"min_group": 20, "ks": [1, 5]}, its={"min_group": 10, "ks": [1, 5]}
        ... ).values
        'min_group 20 instead of 10'
        """
        if isinstance(self.mine, Mapping) and isinstance(self.its, Mapping):
            mine, its = dict(_named(self.mine)), dict(_named(self.its))
            names = [name for name in {**mine, **its} if mine.get(name) != its.get(name)]
            return "; ".join(f"{name} {_word(mine.get(name))} instead of {_word(its.get(name))}" for name in names)
        return f"{_word(self.mine)} instead of {_word(self.its)}"


def _named(values: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, Any]]:
    """Options by name, those of a table with the name of the table: ``geometry.size``."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _named(value, f"{inside}{name}.")
        else:
            yield f"{inside}{name}", value


def _word(value: Any) -> str:
    """A value in a sentence: of a digest the beginning."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_word, value)) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    return (text[:12] if DIGEST.fullmatch(text) else text) or "none"


def why_not_comparable(cell: Cell, baseline: Cell, allow: Iterable[str] = ()) -> str:
    """Why two cells that are done cannot be compared: other items or other rules; empty where they can.

    Parameters
    ----------
    cell, baseline : Cell
        Of one model on one benchmark.
    allow : iterable of str
        Differences that are meant, and are not a reason: ``preprocessing``, ``prompts``, ``batch``, ``checkpoint``.
    """
    allowed = set(allow)
    found = [difference for difference in differences(cell, baseline) if difference.kind not in allowed]
    reason = "; ".join(f"{x.what} than the baseline ({x.values})" for x in found)
    kinds = dict.fromkeys(x.kind for x in found)
    if reason and kinds.keys() <= ALLOWABLE:
        meant = ", ".join(f'"{kind}"' for kind in kinds)
        reason += f". If this is intended, write allow = [{meant}] under [analysis] in the spec"
    return reason


def differences(cell: Cell, baseline: Cell) -> list[Difference]:
    """What differs of all that has to be the same, unless it is allowed."""
    return _that_differ(_held_together(cell.record, baseline.record))


def meant_differences(pair: CellPair[Cell]) -> list[str]:
    """In what the two cells of a declared comparison differ on purpose, in words; nothing where one is not done.

    Each model reads the texts with the tokenizer of its checkpoint, which is part of that.
    """
    if pair.baseline is None or not (pair.variant.done and pair.baseline.done):
        return []
    found = [x for x in differences(pair.variant, pair.baseline) if x.kind in pair.meant]
    checkpoints = f"another checkpoint ({pair.of_variant.model} instead of {pair.of_baseline.model})"
    return [checkpoints if x.kind == "checkpoint" else f"{x.what} ({x.values})" for x in found]


def other_differences(cell: Cell, older: Cell) -> list[Difference]:
    """What may always differ between a cell and the same cell of an older run: quantizer, kernels, packages."""
    return _that_differ(_of_the_variant(cell.record, older.record))


def _that_differ(pairs: Iterable[tuple[str, str, Any, Any]]) -> list[Difference]:
    return [Difference(kind=kind, what=what, mine=mine, its=its) for kind, what, mine, its in pairs if mine != its]


def _held_together(mine: CellRecord, its: CellRecord) -> Iterator[tuple[str, str, Any, Any]]:
    """Kind, words, the variant's and the baseline's value of all that has to be the same."""
    yield "data", "another dataset fingerprint", mine.data_info.fingerprint, its.data_info.fingerprint
    yield "data", "another limit", mine.data_info.limit, its.data_info.limit
    yield "data", "another number of items", mine.data_info.items, its.data_info.items
    options = [present_options(cell.benchmark_info) for cell in (mine, its)]
    yield "rules", "other benchmark options", options[0], options[1]
    for option, digests in _in_both(mine.benchmark_info.files, its.benchmark_info.files):
        yield "rules", f"another content of the benchmark option {option!r}", *digests
    yield "rules", "another protocol version", mine.benchmark_info.protocol, its.benchmark_info.protocol
    if mine.probe and its.probe:  # cells of earlier versions do not say it
        yield "probe", "another probe", mine.probe, its.probe
    models = (mine.model_info, its.model_info)
    yield "checkpoint", "another checkpoint under the same name", models[0].fingerprint, models[1].fingerprint
    # Precomputed embeddings have no batches, and early cells of format 1 say less: only what both say is compared.
    if mine.model_info.preprocessing and its.model_info.preprocessing:
        wanted = (asdict(mine.model_info.preprocessing), asdict(its.model_info.preprocessing))
        yield "preprocessing", "another preprocessing", *wanted
    if mine.data_info.prompts and its.data_info.prompts:
        yield "prompts", "other prompts", mine.data_info.prompts, its.data_info.prompts
    if mine.batch and its.batch:
        yield "batch", "another batch size", mine.batch.size, its.batch.size
        yield "batch", "another order of the batches", mine.batch.order, its.batch.order


def present_options(benchmark: BenchmarkInfo) -> dict[str, Any]:
    """The options of a benchmark by the names that they have now, and with the defaults of options that are new since.

    They are as they were stored where the benchmark is not installed, or does not know such options any more.
    """
    return _present_options(benchmark.record, json.dumps(benchmark.options, sort_keys=True))


@lru_cache(maxsize=64)
def _present_options(record: str, stored: str) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(stored)
    try:
        kind = installed().benchmark(record).record.options
        return public_options(make_options(kind, options, where=record, warn=False))
    except InputError:
        return options


def _of_the_variant(mine: CellRecord, its: CellRecord) -> Iterator[tuple[str, str, Any, Any]]:
    method, former = mine.quantizer_info, its.quantizer_info
    yield "quantizer", "another quantizer", method.record, former.record
    yield "quantizer", "other quantizer options", method.options, former.options
    for option, digests in _in_both(method.files, former.files):
        yield "quantizer", f"another content of the quantizer option {option!r}", *digests
    drawn = [info.calibration.digest if info.calibration else "" for info in (method, former)]
    yield "quantizer", "other calibration data", drawn[0], drawn[1]
    yield "kernels", "other kernels", mine.numerics, its.numerics
    for part, now, then in (
        ("model source", mine.model_info, its.model_info),
        ("quantizer", method, former),
        ("benchmark", mine.benchmark_info, its.benchmark_info),
    ):
        versions = [f"{info.distribution} {info.version}" for info in (now, then)]
        yield "version", f"another version of the {part}", versions[0], versions[1]
    for package, used in _in_both(mine.versions, its.versions):
        yield "version", f"another version of {package}", *used


def _in_both(mine: Mapping[str, str], its: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """What both say, by name: earlier versions say less."""
    return ((name, (mine[name], its[name])) for name in mine if name in its)
