"""What a run would take on several machines, in words."""

from __future__ import annotations

from qbench.execution.cluster import on_cluster
from qbench.execution.forecast import Forecast
from qbench.text import bytes_in_words, counted, duration


def cluster_lines(found: Forecast, nodes: int, price: float | None) -> list[str]:
    """What is left of a run takes this on so many machines; `price` is that of one of them for an hour."""
    processes = found.plan.spec.processes
    made = on_cluster(
        list(found.variants.values()),
        list(found.decoding.values()),
        nodes=nodes,
        processes=processes,
        opening=found.opening,
    )
    decoding = "not known, as no images were decoded here yet" if made.decoding is None else duration(made.decoding)
    left_out = "the loading of models and the analysis"
    if found.unmeasured or made.decoding is None:
        left_out += ", and what was not measured"
    if found.unknown:
        left_out += f", and {counted(found.unknown, 'cell')} whose model or data is missing"
    lines = [
        f"On {counted(nodes, 'machine')}, divided as by --shard, "
        f"each with {counted(processes, 'process', 'processes')} for decoding:",
        f"  reading the data, on each machine: {duration(found.opening)} (what it took now)",
        f"  decoding: {decoding}",
        f"  asking the models, on the machine with the most to ask: {duration(made.answering)}",
        f"  all of it, at least: {duration(made.seconds)}, without {left_out}",
        f"  read: {bytes_in_words(made.file_bytes)} of image files, {bytes_in_words(made.pixel_bytes_read)} of decoded "
        f"images, {bytes_in_words(made.weight_bytes)} of weights",
        f"  written: {bytes_in_words(made.pixel_bytes_written)} of decoded images",
    ]
    if price is not None:
        hours = nodes * made.seconds / 3600
        lines.append(f"  cost, at least: {hours * price:,.2f} ({hours:,.2f} hours of a machine at {price:,.2f})")
    return lines
