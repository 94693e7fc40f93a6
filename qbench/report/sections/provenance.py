"""From what the numbers were made: checkpoints, quantizers, machine, packages, time, spec."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from qbench.plugins.report_blocks import Block, Bullets, Code, Column, Entry, Facts, Heading, Section, Table, name
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers
from qbench.results import Cell
from qbench.runfolder.schema import EnvironmentRecord
from qbench.text import duration

STUDY = (
    "You Never Know: Quantization Induces Inconsistent Biases in Vision-Language Foundation Models. arXiv "
    "2410.20265. This is the study whose measurements the benchmarks repeat."
)


def section(numbers: RunNumbers) -> Section:
    """List everything that is needed to repeat the run."""
    results = numbers.results
    blocks: list[Block] = [Facts(list(_machine(numbers)))]
    blocks += [
        Code("To repeat this run", _again(numbers)),
        Heading("To cite"),
        Bullets([STUDY, *_citations(numbers)]),
    ]
    blocks.append(_table("Checkpoints", results.done, "model", _model))
    blocks.append(_table("Quantizers and controls", results.done, "quantizer", _quantizer))
    packages = results.environment.packages
    if packages:
        rows = [[name(str(k), head=True), Entry(str(v))] for k, v in sorted(packages.items())]
        blocks.append(Table(caption="Packages", columns=[Column("Package"), Column("Version")], rows=rows, closed=True))
    blocks.append(
        Code("The spec, with every default filled in", json.dumps(results.spec, indent=2, ensure_ascii=False))
    )
    return Section("provenance", "Environment and provenance", blocks)


def _again(numbers: RunNumbers) -> str:
    """Commands that give the same numbers on the same machine with the same data."""
    version = numbers.results.run.qbench_version
    install = f"pip install qbench-vlm=={version}\n" if version else ""
    return (
        f"{install}# save the spec below as spec.json; it names the folders of data and models without "
        f"their paths\n"
        "python -c \"import json, qbench; qbench.run(json.load(open('spec.json')), out='again')\"\n"
        "qbench report again"
    )


def _citations(numbers: RunNumbers) -> list[str]:
    found: dict[str, list[str]] = {}
    for benchmark in numbers.benchmarks:
        citation = numbers.cell(benchmark).record.benchmark_info.citation
        if citation:
            found.setdefault(citation, []).append(benchmark)
    return [f"{formatting.listing(names)}: {citation}" for citation, names in found.items()]


def _machine(numbers: RunNumbers) -> Iterator[tuple[str, str]]:
    run, env = numbers.results.run, numbers.results.environment
    yield "qbench", run.qbench_version or "not recorded"
    yield "Run", f"{run.created or 'not recorded'}, last changed {run.updated or 'not recorded'}"
    if run.seconds is not None:
        yield "Time", duration(run.seconds)
    known = env != EnvironmentRecord()
    if not known:
        yield "Machine", "not known: the run folder has no environment.json"
    for title, what in (("Python", env.python), ("Platform", env.platform), ("Processor", env.cpu)):
        yield title, what or "not recorded"
    yield "Cores", str(env.cores or "not recorded")
    memory = env.memory_gb
    yield "Memory", "not recorded" if memory is None else f"{formatting.fixed(memory, 1)} GB"
    yield "Accelerator", env.gpu or ("none" if known else "not recorded")
    yield (
        "Kernels",
        formatting.listing(list(dict.fromkeys(c.record.numerics or "not recorded" for c in numbers.results.done))),
    )
    for batch in dict.fromkeys(c.record.batch for c in numbers.results.done):
        if batch is not None:  # precomputed embeddings have none
            yield "Batches", f"{batch.size} items, in the order of the {batch.order}"


def _table(caption: str, cells: list[Cell], key: str, columns: Any) -> Table:
    rows: dict[str, list[tuple[str, str]]] = {}
    for cell in cells:
        rows.setdefault(getattr(cell, key), columns(cell))
    heads = [key.capitalize(), *(next(([t for t, _ in r] for r in rows.values()), []))]
    body: list[list[Entry]] = [[name(k, head=True), *(Entry(x) for _, x in r)] for k, r in rows.items()]
    return Table(caption=caption, columns=[Column(h) for h in heads], rows=body, closed=len(body) > 12)


def _model(cell: Cell) -> list[tuple[str, str]]:
    info = cell.record.model_info
    return [
        ("Source", f"{info.record} ({info.distribution} {info.version})"),
        ("Checkpoint", info.checkpoint),
        ("Architecture", info.architecture or "?"),
        ("Revision", info.revision or "?"),
        ("Fingerprint", info.fingerprint or "?"),
        ("Preprocessing", formatting.options(asdict(info.preprocessing) if info.preprocessing else {})),
    ]


def _quantizer(cell: Cell) -> list[tuple[str, str]]:
    info = cell.record.quantizer_info
    invariant = {True: "yes", False: "no: batch size and batch order are part of the result", None: "unknown"}
    return [
        ("Record", f"{info.record} ({info.distribution} {info.version})"),
        ("Kind", info.kind),
        ("Nominal bits", str(info.bits)),
        ("Other layers", cell.record.dtype or "?"),
        ("Same embedding in any batch", invariant[info.batch_invariant]),
        ("Options", formatting.options(info.options)),
    ]
