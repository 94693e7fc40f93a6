"""``qbench analyse``."""

from __future__ import annotations

from typing import Annotated

import typer

from qbench.cli.common import RUN

EXAMPLES = (
    "Examples: `qbench analyse qbench-runs/demo` | `qbench analyse RUN --margin top1=0.005 --margin facet.recall=0.03` "
    "| `qbench analyse RUN --confidence 0.99 --seed 1`"
)


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN)],
    confidence: Annotated[
        float | None, typer.Option(help="The confidence of the intervals, between 0.5 and 1.")
    ] = None,
    margin: Annotated[
        list[str] | None, typer.Option(help="A margin, as metric=value or benchmark.metric=value; repeatable.")
    ] = None,
    resamples: Annotated[
        int | None, typer.Option(min=99, max=100_000, help="The number of permutations and of bootstrap samples.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed of the permutations and bootstrap samples.")] = None,
    report: Annotated[bool, typer.Option(help="Write the HTML report anew.")] = True,
) -> None:
    """Repeat the analysis of a run: intervals, tests, verdicts. Needs no model, no images and no torch.

    Options that are not given have the values of the run's spec. The result replaces the analysis in the run folder,
    until the [analysis] of the spec is changed.
    """
    from rich.text import Text

    from qbench.cli.common import put_conclusion, write_report
    from qbench.results import load
    from qbench.results.analysis import analyse_again
    from qbench.runfolder.exchange import to_conclude
    from qbench.terminal.console import Terminal

    given = {"confidence": confidence, "margins": _margins(margin or []), "resamples": resamples, "seed": seed}
    console = Terminal(stderr=True)
    with to_conclude(run) as (place, exchange):
        with console.status(Text("reading")) as status:
            results = load(place)
            folder = analyse_again(
                results,
                {k: v for k, v in given.items() if v is not None},
                step=lambda name: status.update(Text(f"analysing {name}")),
            )
        for verdict, count in results.effects["verdict"].value_counts().items():
            typer.echo(f"{count:>8,}  {verdict}")
        typer.echo(f"Analysis: {folder}")
        write_report(results, wanted=report)
        if exchange is not None:
            put_conclusion(exchange)


def _margins(given: list[str]) -> dict[str, float]:
    from qbench.errors import InputError

    margins = {}
    for text in given:
        name, equals, value = text.partition("=")
        try:
            margins[name.strip()] = float(value)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise InputError(f"{text!r} is not a margin", where="--margin", fix="Write it as metric=0.02.")
    return margins
