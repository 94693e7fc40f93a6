"""``qbench plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qbench.cli.common import BATCH_SIZE, planned_folder
from qbench.cli.run import OUT

if TYPE_CHECKING:
    from qbench.comparisons import DeclaredComparison
    from qbench.execution.forecast import Forecast
    from qbench.execution.plan import Plan, PlannedQuantizer
    from qbench.execution.sharding import Shard
    from qbench.spec.model import RunSpec

EXAMPLES = (
    "Examples: `qbench plan paper` | `qbench plan study.toml --limit 200` | "
    "`qbench plan study.toml --shard 2/4` | `qbench plan study.toml --nodes 8 --gpu H100 --price 3.50` | "
    "`qbench ablate study.toml --dry-run` (as also of `qbench tune` and `qbench diagnose`: what that would cost)"
)


def command(
    spec: Annotated[
        str, typer.Argument(help="A TOML file, or the name of a preset (see `qbench list presets`).")
    ] = "demo",
    out: Annotated[Path | None, typer.Option(parser=planned_folder, metavar="FOLDER|STORE", help=OUT)] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The most items per benchmark.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, or one GPU, such as cuda:1.")] = None,
    batch_size: Annotated[str | None, typer.Option(metavar="N|auto", help=BATCH_SIZE)] = None,
    dataset: Annotated[
        list[Path] | None,
        typer.Option(
            help="A dataset.toml or its folder: another benchmark, in addition to those of the spec; repeatable."
        ),
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="What `qbench run --shard I/N` would compute, and its time.")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(min=1, help="What a run on so many machines of one kind would take (docs/scale.md).")
    ] = None,
    gpu: Annotated[
        str,
        typer.Option(metavar="KIND", help="Use speeds that were measured on a GPU whose name contains KIND, as H100."),
    ] = "",
    price: Annotated[
        float | None, typer.Option(min=0, help="Of one machine for an hour; with --nodes, the cost is shown.")
    ] = None,
) -> None:
    """Show what a spec would run, what is missing, and how to get it. Runs nothing.

    The exit code is 2 if no cell can be used, or if this machine does not have the device. Models or data that still
    have to be fetched are listed; they are not an error.
    """
    from rich.text import Text

    from qbench.cli.cluster_lines import cluster_lines
    from qbench.cli.common import overridden, shard_of
    from qbench.errors import InputError
    from qbench.execution.plan import default_folder
    from qbench.spec.read import read_spec
    from qbench.terminal.console import Terminal

    wanted = overridden(read_spec(spec), dataset or (), limit=limit, device=device, batch_size=batch_size)
    if price is not None and nodes is None:
        raise InputError("a price needs a number of machines", where="--price", fix="Add --nodes.")
    if shard is not None and nodes is not None:
        what = "a shard is the part of one machine, and --nodes divides the whole run"
        raise InputError(what, where="--nodes", fix="Leave out one of --shard and --nodes.")
    found = show(wanted, out or default_folder(wanted), shard_of(shard), gpu)
    if nodes is not None:
        for line in cluster_lines(found, nodes, price):
            Terminal().print(Text(line), soft_wrap=True)


def show(wanted: RunSpec, out: Path, of_run: Shard | None = None, gpu: str = "") -> Forecast:
    """Print what a spec, or a shard of it, would run in the folder `out`, what is missing, and what it costs.

    Times are those of a GPU whose name contains `gpu`, if one is given.

    Raises
    ------
    InputError
        No cell can be used.
    """
    from rich.table import Table
    from rich.text import Text

    from qbench.errors import InputError
    from qbench.execution.forecast import forecast
    from qbench.execution.progress import Bar
    from qbench.execution.unavailable_lines import unavailable_lines
    from qbench.models.numerics import check_presence
    from qbench.terminal.console import Terminal
    from qbench.text import bytes_in_words, counted, duration

    found = forecast(wanted, out, progress=Bar(Terminal(stderr=True)), shard=of_run, gpu=gpu)
    plan, console = found.plan, Terminal()
    for title, parts in (
        ("models", found.models),
        ("benchmarks", found.benchmarks),
        ("calibration data", found.calibration),
    ):
        table = Table("", "state", "", title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for part in parts:
            table.add_row(Text(part.label), Text(part.state), Text(part.detail, overflow="fold"))
        if parts:
            console.print(table)
    for said in found.same_checkpoints:
        console.print(Text(f"Warning: {said}."), soft_wrap=True)
    for label, numbers in found.unavailable.items():
        console.print(Text(f"\n{label}:"))
        for line in unavailable_lines(numbers):
            console.print(Text(line), soft_wrap=True)
    for line in _left_out(wanted, found):
        console.print(Text(line), soft_wrap=True)
    table = Table("", "device", "bits", "", title="quantizers", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for quantizer in plan.quantizers:
        bits = f"{quantizer.entry.record.bits:g}"
        table.add_row(Text(quantizer.label), quantizer.device, bits, _left_alone(plan, quantizer))
    console.print(table)
    grid = len(plan.models) * len(plan.quantizers) * len(plan.benchmarks)
    sizes = ((plan.models, "model"), (plan.quantizers, "quantizer"), (plan.benchmarks, "benchmark"))
    factors = " × ".join(counted(len(planned), one) for planned, one in sizes)
    console.print(
        f"\n{counted(plan.cells, 'cell')} {'=' if plan.cells == grid else 'of'} {factors}: {found.done} done, "
        f"{found.cached} with cached answers, {found.to_compute} to compute, "
        f"{found.unknown} that need a missing model or missing data."
    )
    for comparison in plan.spec.comparisons:
        console.print(Text(_compared(comparison)), soft_wrap=True)
    if wanted.batch_size != plan.spec.batch_size:
        size = f"batches of {plan.spec.batch_size}"
        console.print(
            f"A run would use {size}."
            if found.batch_size_known
            else f"The size of the batches is found when the run begins. What is said here is for {size}."
        )
    if not gpu:  # otherwise it is another machine that would run it
        check_presence(wanted.device)
    if found.unusable == plan.cells:
        reasons = "\n".join(f"{name}: {said}" for name, said in found.reasons.items())
        raise InputError(f"every cell is unusable:\n{reasons}", where=wanted.name)
    if found.unusable:
        console.print(f"Warning: {found.unusable} of {plan.cells} cells are unusable; a run fails them and goes on:")
        for name, said in found.reasons.items():
            console.print(Text(f"{name}: {said}"))
    if of_run is not None:
        table = Table("", "state", "missing answers", title=f"shard {of_run}", title_justify="left", box=None)
        table.padding = (0, 2, 0, 0)
        for part in found.part:
            table.add_row(Text(part.label), Text(part.state), Text(part.detail))
        if found.part:
            console.print(table)
        elif found.unknown:
            console.print(f"What shard {of_run} computes can be listed when models and data are there.")
        else:
            console.print(f"Shard {of_run} has nothing to do: the run has fewer parts than shards.")
    if found.answers:
        asked = ", ".join(f"{count:,} {name}" for name, count in found.answers.items())
        console.print(f"To ask, all variants together: {asked}.")
    if found.seconds is not None:
        where = f"a GPU {gpu}" if gpu else "this machine"
        console.print(f"Time to ask the models, from speeds measured on {where}: {duration(found.seconds)}.")
    if found.unmeasured:
        console.print(
            f"The time of {counted(found.unmeasured, 'cell')} is not known, because nothing like it has run on this "
            "machine yet."
        )
    if found.to_compute:
        console.print(f"Disk space for images that are not decoded yet: {bytes_in_words(found.disk_bytes)}.")
    return found


def _compared(declared: DeclaredComparison) -> str:
    """What a declared comparison compares, and what may differ on purpose."""
    label = f", called {declared.label!r}" if declared.label else ""
    meant = f" {' and '.join(declared.meant).capitalize()} may differ; drift is not measured." if declared.meant else ""
    return f"Compared besides{label}: {declared.variant.words} against {declared.baseline.words}.{meant}"


def _left_out(wanted: RunSpec, found: Forecast) -> list[str]:
    """What the gate will leave out of the benchmarks that can be run, or why its policy cannot be applied.

    Below an empty line.
    """
    from qbench.errors import InputError
    from qbench.execution.forecast import UNUSABLE
    from qbench.gate.power import left_out_lines, power_of_spec, unjudged_lines

    try:
        unusable = {part.label for part in found.benchmarks if part.state == UNUSABLE}
        foreseen = power_of_spec(wanted, flips=())
        rows = [row for row in foreseen.rows if row.benchmark not in unusable]
        lines = left_out_lines(rows, "`qbench power SPEC --json FILE`")
        lines += unjudged_lines(label for label in foreseen.unjudged if label not in unusable)
    except InputError as error:
        lines = [f"The gate could not be evaluated: {error.where}: {error.what}"]
    return ["", *lines] if lines else []


def _left_alone(plan: Plan, quantizer: PlannedQuantizer) -> str:
    """Which towers keep the answers of a control arm."""
    towers = plan.left_alone(quantizer)
    return f"{' and '.join(towers)} answers of {quantizer.arm.label}" if towers and quantizer.arm else ""
