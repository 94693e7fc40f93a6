"""A small study as the analysis gives it: cells and a table of judged changes, without a run folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qbench.gate import GateResult
from qbench.gate.comparison import Compared
from qbench.gate.evaluate import judge
from qbench.gate.methods import installed_methods
from qbench.policy.model import read_policy
from qbench.results import Cell
from qbench.statistics.settings import Settings
from qbench.stats.population import population
from qbench.vocabulary import CellStatus
from tests.unit.conftest import cell_record

METHODS = installed_methods(0.95)
bounds = METHODS.bounds
TODAY = date(2026, 6, 30)
SHARE = {"better": "higher", "unit": "share"}
METRICS: dict[str, list[dict[str, Any]]] = {
    "imagenet": [
        {"name": "top1", **SHARE, "statistic": {"name": "share"}},
        {"name": "recall", **SHARE, "statistic": {"name": "share"}},
    ],
    "coco": [{"name": "image_to_text_recall", **SHARE, "statistic": {"name": "share"}}],
    "facet": [
        {"name": "accuracy", **SHARE, "statistic": {"name": "share"}},
        {"name": "recall", **SHARE, "statistic": {"name": "share"}},
        {"name": "mean_disparity", "better": "zero", "unit": "points", "statistic": {"name": "mean_disparity"}},
        {"name": "mean_abs_disparity", "better": "lower", "unit": "points", "role": "summary"},
        {"name": "disparity", "better": "zero", "unit": "points", "statistic": {"name": "disparity"}},
    ],
    "attributes": [
        {"name": "race_accuracy", **SHARE, "statistic": {"name": "share"}},
        {"name": "race_worst_group", **SHARE, "role": "summary"},
        {"name": "gender_accuracy", **SHARE, "statistic": {"name": "share"}},
    ],
    "errors": [
        {"name": "word_error_rate", "better": "lower", "unit": "share"},
        {"name": "ece", "better": "lower", "unit": "share", "role": "calibration", "margin": 0.03},
    ],
    "fairface": [
        {"name": "max_skew", "better": "lower", "unit": "nats", "role": "summary", "statistic": {"name": "max_skew"}},
        {"name": "skew", "better": "zero", "unit": "nats", "statistic": {"name": "skew"}},
    ],
}
ATTRIBUTES: dict[str, list[dict[str, Any]]] = {
    "facet": [
        {"name": "age", "groups": ["young", "older"], "pairs": [["older", "young"]]},
        {"name": "skin_tone", "groups": ["light", "dark"], "pairs": [["dark", "light"]]},
    ],
    "attributes": [
        {"name": "race", "groups": ["White", "Black"], "pairs": []},
        {"name": "gender", "groups": ["women", "men"], "pairs": []},
    ],
    "fairface": [{"name": "race", "groups": ["White", "Black"], "pairs": []}],
}
SHARES = {"name": "share"}
BY_METHOD = {"tango": "share", "mover": "disparity"}
"""What judges rows with counts; all others have a standard error."""
COUNTS = [f"{name}{side}" for side in (1, 2) for name in ("n", "gain", "loss", "deff")] + ["rho"]


FACTS = {"target": "uniform"}


def margin_of(info: dict[str, Any], *, grouped: bool, of_class: bool) -> float:
    """The margin that the analysis gives such a number where nobody names one."""
    own = info.get("margin")
    return Settings().margin("", info["name"], info["unit"], grouped=grouped, of_class=of_class, own=own)


def make_cell(
    folder: Path,
    benchmark: str,
    quantizer: str = "int8",
    model: str = "b32",
    status: str = "done",
    *,
    attributes: list[dict[str, Any]] | None = None,
    **parts: Any,
) -> Cell:
    """A cell with a whole record; without one where it is missing."""
    info = {
        "metrics": [{"summary": "", **metric} for metric in METRICS[benchmark]],
        "attributes": ATTRIBUTES.get(benchmark, []) if attributes is None else attributes,
    }
    if status == "failed":
        said = {"stage": "build", "type": "ValueError", "what": "", "where": "", "fix": ""}
        parts = {**parts, "error": {**said, **parts.get("error", {})}}
    known = {"status": status, "benchmark_info": info, **parts}
    record = None if status == "missing" else cell_record(model, quantizer, benchmark, **known)
    return Cell(folder, model, quantizer, benchmark, CellStatus(status), record)


@dataclass
class Study:
    """Cells and changes that a test puts together."""

    cells: list[Cell] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    unpaired: dict[tuple[str, str, str], str] = field(default_factory=dict)
    shares: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    means: pd.DataFrame | None = None

    def cell(
        self,
        benchmark: str,
        quantizer: str = "int8",
        model: str = "b32",
        status: str = "done",
        *,
        attributes: list[dict[str, Any]] | None = None,
        **record: Any,
    ) -> None:
        """Add a variant on a benchmark; its numbers are added by `effect`."""
        parts = {"facts": FACTS, **record}
        self.cells.append(
            make_cell(
                Path("nowhere"),
                benchmark,
                quantizer,
                model,
                status,
                attributes=attributes,
                **parts,
            )
        )

    def effect(
        self,
        metric: str,
        change: float,
        se: float = 0.001,
        *,
        benchmark: str = "facet",
        quantizer: str = "int8",
        model: str = "b32",
        attribute: str = "",
        group: str = "",
        class_: str = "",
        before: float = 0.6,
        n: int = 1000,
        flags: str = "",
        **more: Any,
    ) -> None:
        """Add one change and, where it is not there yet, its cell."""
        if not any((c.model, c.quantizer, c.benchmark) == (model, quantizer, benchmark) for c in self.cells):
            self.cell(benchmark, quantizer, model)
        info = next(m for m in METRICS[benchmark] if m["name"] == metric.partition("@")[0])
        signed = info["better"] == "zero"
        after = before + change
        names = {"model": model, "quantizer": quantizer, "baseline_model": model, "baseline": "fp32"}
        names |= {"benchmark": benchmark, "metric": metric}
        self.rows.append(
            {
                **names,
                **{"attribute": attribute, "group": group, "class": class_},
                **{"better": info["better"], "unit": info["unit"], "n": n},
                **{"baseline_value": before, "value": after, "change": change},
                "abs_change": abs(after) - abs(before) if signed else np.nan,
                **{"method": "bootstrap" if se == se else "", "se": se, "df": np.inf, "flags": flags},
                **dict.fromkeys(COUNTS, np.nan),
                **{"sum_se": np.nan, "sample_size": float(n) if info.get("statistic") == SHARES else 5000.0},
                "noise": np.nan,
                "why": "",
                "cutoff": float(metric.partition("@")[2]) if metric.startswith("skew@") else np.nan,
                "margin": margin_of(info, grouped=bool(attribute), of_class=bool(class_)),
                **{"statistic": BY_METHOD.get(more.get("method", ""), "bootstrap")},
                **more,
            }
        )

    def comparison(self) -> Compared:
        """What the gate is given."""
        return Compared(
            effects=pd.DataFrame(self.rows) if self.rows else EMPTY,
            cells=self.cells,
            unpaired=self.unpaired,
            run="study",
            baseline="fp32",
            warnings=[],
            notes=[],
        )

    def shares_of(self, benchmark: str) -> dict[tuple[str, str], float]:
        """The shares of groups in a benchmark, where a test says them."""
        return self.shares.get(benchmark, {})

    def populations(self, **changes: Any) -> pd.DataFrame:
        """The means over its checkpoints, as if these were independent; `changes` replace columns."""
        rows = []
        keys = ["quantizer", "benchmark", "metric", "attribute", "group", "better", "unit", "margin"]
        for key, of in pd.DataFrame(self.rows).groupby(keys, sort=False):
            found = population(of["change"], np.diag(of["se"].to_numpy() ** 2))
            wanted = ("checkpoints", "left_out", "mean", "se", "df", "low", "high")
            rows.append(dict(zip(keys, key, strict=True)) | {name: getattr(found, name) for name in wanted} | changes)
        return pd.DataFrame(rows)

    def judge_by_default(self) -> GateResult:
        """Hold the built-in policy against it."""
        return judge(self.comparison(), read_policy(), today=TODAY, methods=METHODS, shares=self.shares_of)

    def judge(self, *rules: dict[str, Any], waiver: list[dict[str, Any]] | None = None, **decide: Any) -> GateResult:
        """Hold rules against it; each needs an id, and what is not said is overall top1 of imagenet."""
        whole = [{"id": f"r{i}", "scope": "overall", **rule} for i, rule in enumerate(rules)]
        policy = read_policy({"version": 1, "decide": decide, "rule": whole, "waiver": waiver or []})
        return judge(
            self.comparison(),
            policy,
            today=TODAY,
            methods=METHODS,
            shares=self.shares_of,
            populations=self.means,
        )


def _empty() -> pd.DataFrame:
    study = Study()
    study.effect("accuracy", 0.0)
    return pd.DataFrame(study.rows).iloc[:0]


EMPTY = _empty()


@pytest.fixture
def study() -> Study:
    """A study without a cell."""
    return Study()


@pytest.fixture
def groups() -> Callable[..., Study]:
    """``(age=(young, older), skin_tone=(light, dark)) -> Study``: changes of facet's accuracy by group."""

    def make(se: float = 0.001, **changes: tuple[float, float]) -> Study:
        made = Study()
        for attribute in ATTRIBUTES["facet"]:
            values = changes.get(attribute["name"], (0.0, 0.0))
            for group, change in zip(attribute["groups"], values, strict=True):
                made.effect("accuracy", change, se, attribute=attribute["name"], group=group)
        return made

    return make
