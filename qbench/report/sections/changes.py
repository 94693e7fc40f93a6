"""Groups and gaps: what the benchmarks are judged by, as changes and as values before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qbench.plugins.report_blocks import Block, Chart, Heading, Section, Text
from qbench.report import effect_rows, formatting
from qbench.report.charts.forest import forest
from qbench.report.number_tables import change_table
from qbench.report.palette import chart_name
from qbench.report.run_numbers import Measure, RunNumbers
from qbench.report.sections import disparity_charts

ROWS = 18
"""The number of rows of a chart; the table below it has more."""
EXPLAINED = (
    "Each row is the change of one number of one variant against its own baseline, on the same items, with its "
    "interval; the shaded area is the margin. A filled square is worse, a disc is better, a diamond is equivalent, and "
    "an open ring is inconclusive; large marks are over all items. In the charts of gaps the ring is before, the "
    "filled mark is after, and the shaded area is the value before plus the interval of the change: where the ring is "
    "inside, no change is shown. Groups are what annotators perceived or a dataset says, not what people are."
)


def section(numbers: RunNumbers) -> Section:
    """Make, for each benchmark, a forest plot of its accuracies and a chart of its gaps, each with its table."""
    blocks: list[Block] = []
    for benchmark in numbers.benchmarks:
        found = list(_benchmark(numbers, benchmark))
        if found:
            blocks += [Heading(benchmark), *found]
    blocks = [Text(EXPLAINED), *blocks] if blocks else [Text("This run has nothing to compare.")]
    return Section("changes", "Groups and gaps", blocks)


def _benchmark(numbers: RunNumbers, benchmark: str) -> Iterator[Block]:
    questions = numbers.questions[benchmark]
    changes = [m for m in questions if m.role not in disparity_charts.ROLES]
    for unit in dict.fromkeys(m.unit for m in changes):
        mine = [m for m in changes if m.unit == unit]
        yield from _drawn(numbers, mine)
        for measure in mine:
            rows = numbers.of(measure, grouped=False)
            if any(r.state == "compared" for r in rows):
                caption = f"{measure.metric} on {formatting.isolated(benchmark)}"
                yield change_table(numbers, measure, rows, caption, closed=True)
    for measure in questions:
        if measure.role in disparity_charts.ROLES:
            yield from disparity_charts.drawn(numbers, measure)


def _drawn(numbers: RunNumbers, measures: Sequence[Measure]) -> Iterator[Chart]:
    """Make the forest plot of metrics in one unit, over all items and by group, if any interval is known."""
    benchmark, names = measures[0].benchmark, [m.metric for m in measures]
    every = numbers.effects_of(benchmark, names)
    rows = effect_rows.worst_first(r for r in every if _is_drawn(numbers, r))
    if not rows:
        return
    several = {key for key in ("metric", "quantizer", "model") if len({r[key] for r in rows}) > 1}
    parts = [p for p in ("metric", "where", "quantizer", "model") if p == "where" or p in several]
    unit = measures[0].unit_of_change
    left = len(every) - min(len(rows), ROWS)
    yield Chart(
        name=chart_name("changes", benchmark, measures[0].family),
        title=f"{formatting.listing(names, 4)} on {formatting.isolated(benchmark)}: change, worst first",
        words=(
            f"Forest plot of {formatting.count(min(len(rows), ROWS), 'change')}: "
            f"{effect_rows.verdict_counts(rows[:ROWS])}. The numbers are printed beside the marks."
        ),
        spec=forest(
            [effect_rows.mark(r, *parts) for r in rows[:ROWS]], measures[0].unit, f"Change{unit and f', {unit}'}"
        ),
        note=(
            f"{formatting.count(left, 'more change is', 'more changes are')} in the tables: those with smaller losses, "
            "of unlabelled items, of other cuts of an attribute, without an interval, or void."
            if left
            else ""
        ),
    )


def _is_drawn(numbers: RunNumbers, row: effect_rows.EffectRow) -> bool:
    """Whether a row has an interval, a baseline that means something, and a labelled group under the chosen cut."""
    where = (str(row["benchmark"]), str(row["attribute"]), str(row["group"]))
    drawn = effect_rows.known(row) and not effect_rows.void(row)
    return bool(drawn and not numbers.unlabelled(*where) and where[1] not in numbers.repeats(where[0]))
