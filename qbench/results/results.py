"""The results of a run, as tables that are read and computed when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from qbench.analysis.ablation import COLUMNS
from qbench.analysis.judge import Analysis
from qbench.comparisons import CellNames, CellPair, DeclaredComparison, cell_pairs
from qbench.errors import InputError
from qbench.metrics.interface import INDEX, MetricInfo, Unavailable, why_unavailable
from qbench.metrics.keys import MetricKey, declared_names
from qbench.models.same_checkpoints import checkpoints_of
from qbench.policy.model import Policy
from qbench.results import analysis
from qbench.results.ablation import TABLE
from qbench.results.comparable import meant_differences
from qbench.results.coverage import layer_table, of_cells, summarise
from qbench.results.drift import summarise_drift
from qbench.results.effects import NAMES, pair
from qbench.results.flags import Flag, find_flags
from qbench.results.noise import noise_floor
from qbench.runfolder.reader import AGAIN, Cell, check_files, read_cell, read_environment, read_run, read_speed
from qbench.runfolder.schema import EnvironmentRecord, RunRecord
from qbench.stats.paired import paired_tests

METRICS = [*NAMES, *INDEX, "value", "n"]
SPEED = [
    *["model", "quantizer", "numerics", "batch_size", "repeats", "load_seconds", "peak_bytes"],
    *[f"{kind}_{x}" for kind in ("images", "texts") for x in ("per_second", "low", "high")],
]

COMPARISONS = [*NAMES, "variant", "baseline_model", "baseline", "in_spec", "status", "on_purpose", "not_compared"]

STAGES = ("build", "images", "texts", "score")


def load(run_dir: Path | str) -> Results:
    """Read the head of a run folder and check its files; its tables are read when they are asked for.

    Parameters
    ----------
    run_dir : path
        The folder that ``qbench run`` wrote.

    Raises
    ------
    qbench.errors.InputError
        It is not a run folder, or is damaged, or was written by a newer qbench.
    """
    folder = Path(run_dir)
    run = read_run(folder)
    cells = [read_cell(folder, name, run.labels.get(name)) for name in run.cells]
    seen: set[tuple[str, ...]] = set()
    for cell in cells:
        names = tuple(cell.names.values())
        if names in seen:
            raise InputError(f"two cells are named {' × '.join(names)}", where=str(folder / "run.json"), fix=AGAIN)
        seen.add(names)
    check_files(folder, run, cells)
    return Results(folder, run, _baseline_first(cells, run.baseline), read_environment(folder))


class Results:
    """What a run found. Made by `load`.

    Attributes
    ----------
    folder : pathlib.Path
        The run folder.
    run : RunRecord
        The content of ``run.json``.
    records : list of Cell
        The cells in the order of the run; those of one model on one benchmark together, the baseline first.
    environment : EnvironmentRecord
        The machine and the packages; its defaults where they were not recorded.
    """

    def __init__(
        self,
        folder: Path,
        run: RunRecord,
        records: list[Cell],
        environment: EnvironmentRecord,
        *,
        allow: tuple[str, ...] | None = None,
    ) -> None:
        self.folder, self.run, self.records, self.environment = folder, run, records, environment
        self._allow = allow

    @property
    def allow(self) -> tuple[str, ...]:
        """Differences between a variant and its baseline that are intended."""
        return self.run.analysis.allow if self._allow is None else self._allow

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.name or self.folder.name

    @property
    def baseline(self) -> str:
        """Label of the quantizer that the others are compared with."""
        return self.run.baseline

    @property
    def spec(self) -> dict[str, Any]:
        """The spec, with every default filled in."""
        return dict(self.run.spec)

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers has to know."""
        return list(self.run.notes)

    @property
    def done(self) -> list[Cell]:
        """The cells that have numbers."""
        return [c for c in self.records if c.done]

    @property
    def fingerprints(self) -> dict[str, str]:
        """Model → the fingerprint of its checkpoint, of the models that have numbers; empty where it is not known."""
        return {c.model: c.record.model_info.fingerprint for c in self.done}

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per cell: ``model, quantizer, benchmark, status, error, stage, items, dtype, numerics, seconds``."""
        rows = []
        for cell in self.records:
            record, failure = cell.found, cell.failure
            rows.append(
                {
                    **cell.names,
                    "status": str(cell.status),
                    "error": failure.words if failure else "",
                    "stage": failure.stage if failure else "",
                    "items": record.data_info.items if record else None,
                    "dtype": record.dtype if record else "",
                    "numerics": record.numerics if record else "",
                    "seconds": sum(record.seconds.values()) if record and record.seconds else None,
                }
            )
        columns = [*NAMES, "status", "error", "stage", "items", "dtype", "numerics", "seconds"]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.astype({"items": "Int64", "seconds": "float64"})

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Tidy numbers: ``model, quantizer, benchmark, metric, attribute, group, class, value, n``.

        An empty string is "all of them"; a NaN value is undetermined.
        """
        frames = [_named(c, c.numbers()) for c in self.done]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=METRICS)

    @cached_property
    def measured(self) -> list[tuple[str, MetricInfo]]:
        """Benchmark and metric, of all metrics of which there is a number, the main one first.

        A benchmark may declare more than its data or its options give. One without a number has all that it declares.
        """
        numbers = self.metrics[["benchmark", "metric"]].drop_duplicates()
        made = set(zip(numbers["benchmark"], declared_names(numbers["metric"]), strict=True))
        having = {benchmark for benchmark, _ in made}
        declared = {(cell.benchmark, info.name): info for cell in self.records for info in cell.metrics}
        return [(b, info) for (b, name), info in declared.items() if b not in having or (b, name) in made]

    @cached_property
    def metric_infos(self) -> Mapping[tuple[str, str], MetricInfo]:
        """``(benchmark, metric without its cut-off)`` → its declaration; the main metric first."""
        return {
            (cell.benchmark, info.name): info
            for cell in reversed(self.done)  # so that the first cell has the last word
            for info in cell.metrics
        }

    def metric_info(self, benchmark: str, metric: str) -> MetricInfo | None:
        """The declaration of a metric, whatever its cut-off is; `None` where the benchmark declares none."""
        return self.metric_infos.get((benchmark, MetricKey.parse(metric).name))

    @cached_property
    def unavailable(self) -> Mapping[str, tuple[Unavailable, ...]]:
        """Benchmark → the numbers that its data cannot give, with cause and remedy, as the benchmark says."""
        return {cell.benchmark: cell.record.data_info.unavailable for cell in reversed(self.done)}

    def why_unavailable(
        self, benchmark: str, metric: str, attribute: str = "", group: str = "", class_: str = ""
    ) -> Unavailable | None:
        """Why the data of a benchmark cannot give a number, named as in the tables; `None` where it can."""
        return why_unavailable(self.unavailable.get(benchmark, ()), metric, attribute, group, class_)

    @cached_property
    def declared(self) -> tuple[DeclaredComparison, ...]:
        """The comparisons that the spec declares, beside those of each variant with its model's baseline."""
        return self.run.comparisons

    @cached_property
    def pairs(self) -> list[CellPair[Cell]]:
        """What is compared with what, cells that failed and missing ones too: see `qbench.comparisons.cell_pairs`."""
        return cell_pairs({CellNames(**c.names): c for c in self.records}, self.baseline, self.declared)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """One row per comparison: its names, both sides, what differs on purpose, and what could not be compared."""
        reasons = self.unpaired.groupby(NAMES)["reason"].agg("; ".join).to_dict()
        rows = [
            {
                **pair.names._asdict(),
                "variant": pair.of_variant.quantizer,
                "baseline_model": pair.of_baseline.model,
                "baseline": pair.of_baseline.quantizer,
                "in_spec": pair.declared is not None,
                "status": str(pair.variant.status),
                "on_purpose": "; ".join(meant_differences(pair)),
                "not_compared": reasons.get(tuple(pair.names), ""),
            }
            for pair in self.pairs
        ]
        return pd.DataFrame(rows, columns=COMPARISONS)

    @cached_property
    def _paired(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return pair(self.metrics, self.pairs, self.metric_infos, self.allow)

    @property
    def changes(self) -> pd.DataFrame:
        """Each number of a variant with its baseline's, not yet judged: see `qbench.results.effects.pair`."""
        return self._paired[0]

    @cached_property
    def analysis(self) -> Analysis:
        """The analysis that lies in the run folder, or one made now with the spec's settings."""
        kept = analysis.stored(self)
        return kept if kept is not None else analysis.make(self, analysis.wanted_settings(self))

    @property
    def effects(self) -> pd.DataFrame:
        """Each change with its interval, test, margin, flags and verdict: see ``docs/run-folder.md``."""
        return self.analysis.effects

    def compared_with(self, baseline: str, variants: Iterable[str]) -> Results:
        """Some variants of these results, compared with another one in place of the run's baseline.

        Parameters
        ----------
        baseline : str
            Label of the quantizer that the others are compared with.
        variants : iterable of str
            Labels of the others.
        """
        wanted = {baseline, *variants}
        run = self.run.against(baseline)
        records = [cell for cell in self.records if cell.quantizer in wanted]
        return Results(self.folder, run, _baseline_first(records, baseline), self.environment, allow=self._allow)

    @property
    def ablation(self) -> pd.DataFrame:
        """The change that goes with each part of a model, in a run of ``qbench ablate``; without rows in others."""
        return self.added_tables.get(TABLE, pd.DataFrame(columns=COLUMNS))

    def judged_by(self, policy: Policy | None) -> Results:
        """These results with the verdicts that another policy's margins and limits give.

        Parameters
        ----------
        policy : Policy or None
            None is the run's own policy: these results as they are.

        Raises
        ------
        qbench.errors.InputError
            No number of the run has a margin of a name that the policy gives.
        """
        if policy is None or policy == self.run.policy:
            return self
        same = policy.tolerances == self.run.tolerances
        judged = self.analysis if same else analysis.judged_by(self, policy)
        _ = self._paired  # read once for both
        changed = copy(self)  # with all that has been read and made so far
        changed.run = self.run.with_policy(policy)
        changed.__dict__["analysis"] = judged
        for table in ("drift", "tests"):  # made when they are asked for, with intervals of the one confidence
            changed.__dict__.pop(table, None)
        return changed

    @property
    def confidence(self) -> float:
        """The two-sided confidence of all intervals, 0.5 to 1: the policy's if it has one, else the analysis's."""
        return analysis.confidence_of(analysis.wanted_settings(self), self.run.policy)

    @property
    def populations(self) -> pd.DataFrame:
        """Each change over the checkpoints: one row per quantizer × number over all classes."""
        return self.analysis.populations

    @property
    def flips(self) -> pd.DataFrame:
        """Items whose answer changed between correct and wrong: by group and by how sure the baseline was."""
        return self.analysis.flips

    @property
    def exemplars(self) -> pd.DataFrame:
        """Items whose majority answer over the models changed between correct and wrong."""
        return self.analysis.exemplars

    @property
    def added_tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables that statistics add to the analysis, by name."""
        return self.analysis.added

    @property
    def variance(self) -> pd.DataFrame:
        """How much of the spread of the changes goes with quantizer, size, source, model and group. Descriptive."""
        return self.analysis.variance

    @property
    def predictors(self) -> pd.DataFrame:
        """Whether quantizer, size or source go with the direction of the changes: a mixed model over checkpoints."""
        return self.analysis.predictors

    @property
    def unpaired(self) -> pd.DataFrame:
        """What has no baseline to be compared with: ``model, quantizer, benchmark, reason``."""
        return self._paired[1]

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Paired t-tests of all effects in both readings: see `qbench.stats.paired.paired_tests`."""
        return paired_tests(self.changes, checkpoints_of(self.fingerprints), self.confidence)

    @cached_property
    def items(self) -> pd.DataFrame:
        """The outcome of every item of every done cell, with ``model, quantizer, benchmark`` in front."""
        frames = [_named(c, _nullable(c.table("items"))) for c in self.done]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=NAMES)

    @cached_property
    def cost(self) -> pd.DataFrame:
        """What each cell took: seconds of each stage (empty where the cache had it), images, texts, bytes in memory.

        These differ from run to run, so they are kept apart from `metrics`.
        """
        rows = []
        # Every probe has stages of its own, named by the parts that it answers.
        stages = dict.fromkeys((*STAGES, *(stage for cell in self.done for stage in cell.record.seconds)))
        for cell in self.done:
            record = cell.record
            rows.append(
                {
                    **cell.names,
                    "images": record.data_info.images,
                    "texts": record.data_info.texts,
                    **{f"{stage}_seconds": record.seconds.get(stage) for stage in stages},
                    "model_bytes": record.coverage.model_bytes if record.coverage else None,
                }
            )
        return pd.DataFrame(rows)

    @cached_property
    def noise(self) -> pd.DataFrame:
        """How other orders of the items move each change: see `qbench.results.noise.noise_floor`."""
        orders = {
            CellNames(**c.names): c.table("noise") for c in self.done if c.record.batch and c.record.batch.other_orders
        }
        return noise_floor(self.changes, orders, self.pairs)

    @cached_property
    def drift(self) -> pd.DataFrame:
        """How far each variant moved the images' embeddings: see `qbench.results.drift.summarise_drift`."""
        return summarise_drift(self.folder, self.run.drift, self.done, self.confidence)

    @cached_property
    def speed(self) -> pd.DataFrame:
        """Speed and memory of each variant, where they were measured: medians, slowest and fastest repeat."""
        rows = []
        for relative in self.run.speed:
            found = read_speed(self.folder, relative)
            values = found.model_dump(exclude={"rates"})
            rows.append(values | {f"{of}_{name}": value for of, rate in found.rates.items() for name, value in rate})
        return pd.DataFrame(rows, columns=list(dict.fromkeys((*SPEED, *(name for row in rows for name in row)))))

    @cached_property
    def layers(self) -> pd.DataFrame:
        """Every Linear layer of every variant and what became of it."""
        return layer_table(of_cells(self.done))

    @cached_property
    def coverage(self) -> pd.DataFrame:
        """How much of each variant, and of each of its towers, was quantized."""
        return summarise(of_cells(self.done))

    @cached_property
    def flags(self) -> list[Flag]:
        """Reasons to distrust numbers: see `qbench.results.flags.find_flags`."""
        return find_flags(self.records, self.pairs, self.allow)


def _baseline_first(cells: list[Cell], baseline: str) -> list[Cell]:
    rank: dict[tuple[str, str], int] = {}
    for cell in cells:
        rank.setdefault((cell.benchmark, cell.model), len(rank))
    return sorted(cells, key=lambda c: (rank[c.benchmark, c.model], c.quantizer != baseline))


def _named(cell: Cell, frame: pd.DataFrame) -> pd.DataFrame:
    names = pd.DataFrame(cell.names, index=frame.index)
    return pd.concat([names, frame.drop(columns=NAMES, errors="ignore")], axis=1)


def _nullable(frame: pd.DataFrame) -> pd.DataFrame:
    # Benchmarks differ in their columns: a plain bool column with gaps would become one of objects.
    return frame.astype(dict.fromkeys(frame.select_dtypes("bool").columns, "boolean"))
