"""Where the numbers come from: checkpoints, quantizers, machine, packages, time, spec."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qbench.plugins.report_blocks import Block, Bullets, Code, Column, Entry, Facts, Heading, Section, Table, name
from qbench.report import formatting
from qbench.report.run_numbers import RunNumbers
from qbench.results import Cell

STUDY = (
    "You Never Know: Quantization Induces Inconsistent Biases in Vision-Language Foundation Models. arXiv "
    "2410.20265: the "
    "study whose measurements these are."
)


def section(numbers: RunNumbers) -> Section:
    """All that is needed to run it again."""
    results = numbers.results
    blocks: list[Block] = [Facts(list(_machine(numbers)))]
    blocks += [
        Code("To run it again", _again(numbers)),
        Heading("To cite"),
        Bullets([STUDY, *_citations(numbers)]),
    ]
    blocks.append(_table("Checkpoints", results.done, "model", _model))
    blocks.append(_table("Quantizers and controls", results.done, "quantizer", _quantizer))
    packages = results.environment.get("packages") or {}
    if packages:
        rows = [[name(str(k), head=True), Entry(str(v))] for k, v in sorted(packages.items())]
        blocks.append(Table(caption="Packages", columns=[Column("Package"), Column("Version")], rows=rows, closed=True))
    blocks.append(Code("The spec, every default filled in", json.dumps(results.spec, indent=2, ensure_ascii=False)))
    return Section("provenance", "Environment and provenance", blocks)


def _again(numbers: RunNumbers) -> str:
    """Commands that give the same numbers on the same machine with the same data."""
    run = numbers.results.run
    version = str(run.get("qbench_version") or "")
    install = f"pip install qbench-vlm=={version}\n" if version else ""
    return (
        f"{install}# save the spec below as spec.json; the folders of data and models are named in it "
        f"without their paths\n"
        "python -c \"import json, qbench; qbench.run(json.load(open('spec.json')), out='again')\"\n"
        "qbench report again"
    )


def _citations(numbers: RunNumbers) -> list[str]:
    found: dict[str, list[str]] = {}
    for benchmark in numbers.benchmarks:
        citation = str(numbers.cell(benchmark).part("benchmark_info").get("citation") or "")
        if citation:
            found.setdefault(citation, []).append(benchmark)
    return [f"{formatting.listing(names)}: {citation}" for citation, names in found.items()]


def _machine(numbers: RunNumbers) -> Iterator[tuple[str, str]]:
    run, env = numbers.results.run, numbers.results.environment
    yield "qbench", str(run.get("qbench_version") or "not recorded")
    yield "Run", f"{run.get('created') or 'not recorded'}, last changed {run.get('updated') or 'not recorded'}"
    if isinstance(run.get("seconds"), int | float):
        yield "Time", formatting.duration(float(run["seconds"]))
    for key, title in (("python", "Python"), ("platform", "Platform"), ("cpu", "Processor"), ("cores", "Cores")):
        yield title, str(env.get(key) or "not recorded")
    memory = env.get("memory_gb")
    yield "Memory", f"{formatting.fixed(float(memory), 1)} GB" if isinstance(memory, int | float) else "not recorded"
    yield "Accelerator", str(env.get("gpu") or "none")
    yield (
        "Kernels",
        formatting.listing(
            list(dict.fromkeys(str(c.record.get("numerics") or "not recorded") for c in numbers.results.done))
        ),
    )
    for item in dict.fromkeys(json.dumps(c.record.get("batch"), sort_keys=True) for c in numbers.results.done):
        batch = json.loads(item)
        if batch is None:
            continue  # made elsewhere
        yield "Batches", f"{batch.get('size', '?')} items, in the order of the {batch.get('order', '?')}"


def _table(caption: str, cells: list[Cell], key: str, columns: Any) -> Table:
    rows: dict[str, list[tuple[str, str]]] = {}
    for cell in cells:
        rows.setdefault(getattr(cell, key), columns(cell))
    heads = [key.capitalize(), *(next(([t for t, _ in r] for r in rows.values()), []))]
    body: list[list[Entry]] = [[name(k, head=True), *(Entry(x) for _, x in r)] for k, r in rows.items()]
    return Table(caption=caption, columns=[Column(h) for h in heads], rows=body, closed=len(body) > 12)


def _model(cell: Cell) -> list[tuple[str, str]]:
    info = cell.part("model_info")
    return [
        ("Source", f"{info.get('record', '?')} ({info.get('distribution', '?')} {info.get('version', '?')})"),
        ("Checkpoint", str(info.get("checkpoint", "?"))),
        ("Architecture", str(info.get("architecture", "?"))),
        ("Revision", str(info.get("revision", "?"))),
        ("Fingerprint", str(info.get("fingerprint", "?"))),
        ("Preprocessing", _options(info.get("preprocessing"))),
    ]


def _quantizer(cell: Cell) -> list[tuple[str, str]]:
    info = cell.part("quantizer_info")
    alone: Any = info.get("batch_invariant")
    return [
        ("Record", f"{info.get('record', '?')} ({info.get('distribution', '?')} {info.get('version', '?')})"),
        ("Kind", str(info.get("kind", "?"))),
        ("Nominal bits", str(info.get("bits", "?"))),
        ("Other layers", str(cell.record.get("dtype") or "?")),
        (
            "Same embedding in any batch",
            {True: "yes", False: "no: batch size and order are part of it"}.get(alone, "not known"),
        ),
        ("Options", _options(info.get("options"))),
    ]


def _options(options: Any) -> str:
    return ", ".join(f"{k} = {v}" for k, v in options.items()) if isinstance(options, dict) and options else "none"
