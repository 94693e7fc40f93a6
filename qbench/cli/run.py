"""``qbench run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qbench.cli.common import BATCH_SIZE

if TYPE_CHECKING:
    from rich.console import Console

    from qbench.execution.run import Summary
    from qbench.execution.sharding import Shard
    from qbench.results import Results
    from qbench.runfolder.exchange import RunExchange
    from qbench.spec.model import RunSpec

EXAMPLES = (
    "Examples: `qbench run` (the demo) | `qbench run study.toml --limit 200` (a quick trial) | "
    "`qbench run paper --device cuda --out runs/paper` | `qbench run demo --dataset mine/dataset.toml` | "
    "`qbench run study.toml --shard 2/4` (the second of four processes or machines) | "
    "`qbench run study.toml --executor ray --address auto` (on a Ray cluster)"
)
OUT = "The run folder [default: qbench-runs/NAME], or one in an object store, such as s3://bucket/runs/NAME."
SHARD = (
    "Compute the I-th of N parts into a run folder and a cache folder that all N share; `auto` in a Slurm array. The "
    "last one analyses the run."
)


def command(
    spec: Annotated[
        str, typer.Argument(help="A TOML file, or the name of a preset (see `qbench list presets`).")
    ] = "demo",
    out: Annotated[str | None, typer.Option(metavar="FOLDER|STORE", help=OUT)] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The most items per benchmark.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, or one GPU, such as cuda:1.")] = None,
    batch_size: Annotated[str | None, typer.Option(metavar="N|auto", help=BATCH_SIZE)] = None,
    dataset: Annotated[
        list[Path] | None,
        typer.Option(
            help="A dataset.toml or its folder: another benchmark, in addition to those of the spec; repeatable."
        ),
    ] = None,
    shard: Annotated[str | None, typer.Option(metavar="I/N", help=SHARD)] = None,
    executor: Annotated[
        str | None, typer.Option(metavar="NAME", help="What executes the work (see `qbench list executors`).")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="The cluster of the executor: its address, `auto` or `local`.")
    ] = None,
    report: Annotated[bool, typer.Option(help="Write the HTML report at the end.")] = True,
) -> None:
    """Run a spec: quantize, ask the models, measure, analyse, report. Repeat the command to continue a stopped run."""
    from qbench.cli.check import show
    from qbench.cli.common import executed_by, overridden, put_conclusion, shard_of, write_report
    from qbench.execution.plan import default_folder
    from qbench.gate import check
    from qbench.runfolder.exchange import place
    from qbench.spec.read import read_spec
    from qbench.terminal.console import Terminal

    console = Terminal(stderr=True)
    given = read_spec(spec)
    chosen = executed_by(given, executor, address)
    wanted = overridden(given, dataset or (), limit=limit, device=device, batch_size=batch_size, executor=chosen)
    part = shard_of(shard)
    with place(out or default_folder(wanted), part.copy if part else "run") as (folder, exchange):
        done = executed(wanted, folder, console, part, exchange)
        results = analysed_run(folder, console)
        gate = check(results)
        show(gate)
        if not report:
            typer.echo(f"Run folder: {folder}")
        write_report(results, wanted=report, gate=gate)
        if exchange is not None:
            put_conclusion(exchange)
    exit_if_failed(done, console)


def executed(
    wanted: RunSpec, folder: Path, console: Console, part: Shard | None = None, exchange: RunExchange | None = None
) -> Summary:
    """Run a spec, or a shard of it, and say how that went; ends the command unless the run is complete."""
    from qbench.execution.progress import Bar
    from qbench.execution.run import execute
    from qbench.text import counted

    progress = Bar(console, f"shard {part}" if part else "")
    done = execute(wanted, folder, progress=progress, shard=part, exchange=exchange)
    if part is not None:
        _tell_shard(part, done, console)
    if not done.complete:
        raise typer.Exit(1 if done.failed else 0)
    console.print(
        f"{counted(done.done, 'cell')} done ({done.computed} computed now), {done.failed} failed, {done.seconds:.0f} s"
        + (
            f"; not part of this run: {counted(done.kept, 'cell')} of an earlier spec in the folder"
            if done.kept
            else ""
        ),
    )
    return done


def exit_if_failed(done: Summary, console: Console) -> None:
    """End with exit code 1 if cells failed, and say where the reasons are."""
    if done.failed:
        console.print(f"The reasons why cells failed are above, in the report, and in {done.folder / 'run.log'}.")
        raise typer.Exit(1)


def _tell_shard(part: Shard, done: Summary, console: Console) -> None:
    """What came of a shard, and who does the rest."""
    if not done.cells:
        console.print(f"Shard {part} has nothing to do: the run has fewer parts than shards.")
    elif not done.complete:
        waiting = done.cells - done.done - done.failed
        console.print(
            f"Shard {part}: {done.done} of its {done.cells} cells done ({done.computed} computed now), "
            f"{done.failed} failed, {done.seconds:.0f} s"
            + (f"; {waiting} wait for answers that other shards compute" if waiting else "")
        )
    if done.complete:
        console.print(f"Shard {part} is the last one.")
    else:
        console.print(
            "Other shards are at work or still to come. The last one analyses the run and writes the report; so does "
            "this command without --shard, which also computes what is missing of their parts."
        )


def analysed_run(folder: Path, console: Console) -> Results:
    """Analyse a run, unless that is done already."""
    from rich.text import Text

    from qbench.results import load
    from qbench.results.analysis import analysed

    with console.status(Text("reading outcomes")) as status:
        return analysed(load(folder), step=lambda name: status.update(Text(f"analysing {name}")))
