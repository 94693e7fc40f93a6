"""Finds the ablations in a run: variants that differ from another one only in which layers they quantize.

A variant that quantizes one part only is compared with the run's baseline. One that leaves one part out is compared
with the variant that quantizes all; the change that goes with the part is the reverse of what leaving it out does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from qbench.analysis.ablation import COLUMNS, judge_parts
from qbench.metrics.interface import INDEX
from qbench.models.layer_options import HEAD
from qbench.results.effects import NAMES
from qbench.runfolder.reader import Cell
from qbench.statistics.settings import Settings

if TYPE_CHECKING:
    from qbench.results.results import Results

TABLE = "ablation"
"""The name of the table in the analysis of a run in which something is ablated; other runs have no such table."""

Direction = Literal["only", "without"]
NUMBER = [*NAMES, *INDEX]


@dataclass(frozen=True, kw_only=True)
class Ablated:
    """A variant that changes other layers than a whole one.

    Attributes
    ----------
    variant, whole : str
        Labels of the quantizers.
    direction : {"only", "without"}
        Whether only the part is quantized, or all but the part.
    part : str
        The patterns that select the part.
    """

    variant: str
    whole: str
    direction: Direction
    part: str


def ablated_variants(cells: Iterable[Cell]) -> list[Ablated]:
    """The variants of a run that quantize fewer layers than another one of the same method with the same options."""
    methods: dict[str, _Method] = {}
    for cell in cells:
        if cell.done and cell.quantizer not in methods and (method := _method(cell)) is not None:
            methods[cell.quantizer] = method
    found = []
    for label, method in methods.items():
        wholes = [(other, how) for other in methods if (how := method.within(methods[other])) is not None]
        if wholes:
            whole, (direction, part) = max(wholes, key=lambda pair: len(methods[pair[0]].layers))
            found.append(Ablated(variant=label, whole=whole, direction=direction, part=part))
    return found


@dataclass(frozen=True, kw_only=True)
class _Method:
    """What a quantizer does, apart from its label."""

    same: tuple[Any, ...]
    only: tuple[str, ...]
    skip: tuple[str, ...]
    layers: frozenset[str]

    def within(self, whole: _Method) -> tuple[Direction, str] | None:
        """How this differs from a method that quantizes more layers; `None` if it is not part of it."""
        heads = any(HEAD in name for name in self.only) and not any(HEAD in name for name in whole.only)
        if self.same != whole.same or not (self.layers < whole.layers or (heads and self.layers == whole.layers)):
            return None
        if self.skip == whole.skip:
            return "only", _said(self.only)
        added = self.skip[len(whole.skip) :]
        if self.only == whole.only and self.skip == (*whole.skip, *added):
            return "without", _said(added)
        return None


def _method(cell: Cell) -> _Method | None:
    info, coverage = cell.record.quantizer_info, cell.record.coverage
    options = dict(info.options)
    if coverage is None or not {"only", "skip"} <= options.keys():
        return None
    only, skip = (tuple(map(str, options.pop(name))) for name in ("only", "skip"))
    same = (info.record, info.distribution, info.version, info.device, info.files, info.calibration, options)
    layers = frozenset(layer.name for layer in coverage.layers if layer.quantized)
    return _Method(same=same, only=only, skip=skip, layers=layers)


def _said(patterns: Sequence[str]) -> str:
    return ", ".join(pattern.removeprefix("*.").removesuffix(".*") for pattern in patterns)


def ablation_table(
    results: Results,
    effects: pd.DataFrame,
    settings: Settings,
    judged: Callable[[Results], pd.DataFrame],
) -> pd.DataFrame | None:
    """The change of each number that goes with each part: see `qbench.analysis.ablation`.

    Parameters
    ----------
    results : Results
        The run.
    effects : pandas.DataFrame
        Its changes against the baseline, judged.
    settings : Settings
        The confidence.
    judged : callable
        The changes of results with another baseline, judged.

    Returns
    -------
    pandas.DataFrame or None
        The columns `qbench.analysis.ablation.COLUMNS`; `None` where the run ablates nothing.
    """
    variants = ablated_variants(results.records)
    if not variants:
        return None
    over_all = effects[effects["class"] == ""]
    frames = [_named(over_all, [v for v in variants if v.direction == "only"])]
    for whole in dict.fromkeys(v.whole for v in variants if v.direction == "without"):
        mine = [v for v in variants if v.whole == whole and v.direction == "without"]
        against = judged(results.compared_with(whole, [v.variant for v in mine]))
        frames.append(_named(_reversed(against[against["class"] == ""], over_all), mine))
    table = pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
    return judge_parts(_with_whole(table, over_all), settings)[COLUMNS]


def _named(effects: pd.DataFrame, variants: Iterable[Ablated]) -> pd.DataFrame:
    """The rows of some variants, under the name of the whole one and with the part."""
    known = {v.variant: v for v in variants}
    mine = effects[effects["quantizer"].isin(list(known))]
    of = [known[str(label)] for label in mine["quantizer"]]
    return mine.assign(
        variant=mine["quantizer"],
        quantizer=[v.whole for v in of],
        direction=[v.direction for v in of],
        part=[v.part for v in of],
    )


def _reversed(against: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """What quantizing the part does, from what leaving it out does; with the flags that the run itself has."""
    flags = against[NUMBER].merge(effects[[*NUMBER, "flags"]], on=NUMBER, how="left")["flags"].fillna("")
    return against.assign(
        change=-against["change"], low=-against["high"], high=-against["low"], flags=flags.to_numpy(dtype=object)
    )


def _with_whole(table: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Add the change of the variant that quantizes all parts."""
    whole = effects[[*NUMBER, "change"]].rename(columns={"change": "whole_change"})
    return table.merge(whole, on=NUMBER, how="left")
