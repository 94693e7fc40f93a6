"""Functions that several commands share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from qbench.execution.forecast import Forecast
    from qbench.execution.sharding import Shard
    from qbench.gate import GateResult
    from qbench.results import Results
    from qbench.runfolder.exchange import RunExchange
    from qbench.spec.model import RunSpec


RUN = "A run folder, or one in an object store, such as s3://bucket/runs/study."
BATCH_SIZE = "Images per batch; `auto` finds the largest that is not slower and fits into memory."


def overridden(spec: RunSpec, datasets: Sequence[Path] = (), **changes: Any) -> RunSpec:
    """A spec in which options of the command line replace its own, and datasets of the command line are added.

    An added dataset asks the models that the first benchmark of the spec asks.
    """
    from qbench.declared.record import NAME
    from qbench.spec.read import validate

    given = {name: value for name, value in changes.items() if value is not None}
    if str(given.get("batch_size", "")).isdecimal():
        given["batch_size"] = int(given["batch_size"])
    values = {**spec.model_dump(), **given}
    values["benchmarks"] += [
        {"name": NAME, "root": str(path.absolute()), "models": spec.benchmarks[0].models} for path in datasets
    ]
    return validate(values, where="the command line", base=Path.cwd())


def executed_by(spec: RunSpec, name: str | None, address: str | None) -> dict[str, Any] | None:
    """The executor of the spec in whose place `--executor` and `--address` stand; `None` where neither is given."""
    if name is None and address is None:
        return None
    options = dict(spec.executor.options) if name in (None, spec.executor.name) else {}
    return {"name": name or spec.executor.name, "options": options | ({"address": address} if address else {})}


def shard_of(given: str | None) -> Shard | None:
    """The part of a run that `--shard` names; `None` for all of it."""
    import os

    from qbench.execution.sharding import read_shard

    return None if given is None else read_shard(given, os.environ)


def asked_in_words(answers: Mapping[str, int]) -> str:
    """How many images, texts and so on have to be asked.

    Examples
    --------
    >>> asked_in_words({"images": 2000, "texts": 0}), asked_in_words({})
    ('2,000 images', 'nothing to ask')
    """
    return ", ".join(f"{count:,} {name}" for name, count in answers.items() if count) or "nothing to ask"


def cost_in_words(cost: Forecast) -> str:
    """What has to be asked, and how long that takes where the speeds were measured on this machine."""
    from qbench.text import duration

    if cost.unknown:
        time = " (more is known when its model and data are there)"
    else:
        time = f" ({duration(cost.seconds)})" if cost.seconds else ""
    return asked_in_words(cost.answers) + time


def write_report(results: Results, *, wanted: bool, gate: GateResult | None = None) -> None:
    """Write the report into the run folder; where it is not wanted, say so of one that is there from earlier."""
    from qbench.text import shell_command

    path = results.folder / "report.html"
    if wanted:
        from qbench.report.html import render
        from qbench.runfolder.writer import concluding

        with concluding(results.folder):
            render(results, path, gate=gate)
        typer.echo(f"Report: {path}")
    elif path.exists():
        again = shell_command("qbench", "report", results.folder)
        typer.echo(f"{path} is an earlier report. Write it anew with: {again}")


def run_folder(given: str) -> Path:
    """The folder of the run that an argument names; one in an object store is fetched."""
    from qbench.runfolder.exchange import run_folder

    return run_folder(given)


def planned_folder(given: str) -> Path:
    """The folder of the run that is planned; in an object store, there may be nothing of it yet."""
    from qbench.runfolder.exchange import planned_folder

    return planned_folder(given)


def put_conclusion(exchange: RunExchange) -> None:
    """Put the analysis and the report of a run into its object store, unless others have added cells meanwhile."""
    if exchange.conclude():
        typer.echo(f"In the store: {exchange.address}")
    else:
        typer.echo(
            f"{exchange.address}: others have added results meanwhile. They conclude the run when they are done."
        )


def report_path(run: Path, policy: Path | None, ending: str = ".html") -> Path:
    """Where the report of a run lies: a page by a policy that was named on the command line has its own name.

    Examples
    --------
    >>> report_path(Path("run"), None).name, report_path(Path("run"), Path("ci/loose.toml")).name
    ('report.html', 'report-loose.html')
    """
    return run / (f"report-{policy.stem}{ending}" if policy else f"report{ending}")
