"""From a ``dataset.toml`` to a `Benchmark`. Light: only a few keys are read; the rest is checked when it is used."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbench.declared.options import DeclaredOptions
from qbench.declared.protocols import ASKING, CHOICE, CLASSIFICATION, RETRIEVAL, STEREOTYPE
from qbench.declared.read import checked, digest, find, read_description, read_raw
from qbench.errors import DataError, InputError
from qbench.metrics.interface import MetricInfo
from qbench.metrics.known import CHOICES, RECALL_BY_GROUP, SKEWS, STEREOTYPES, SUPPORTED_ANSWERS
from qbench.plugins.records import Benchmark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qbench.data.items import Attribute
    from qbench.metrics.interface import MeasuredTask
    from qbench.statistics.interface import Measure

METRICS: dict[str, tuple[MetricInfo, ...]] = {
    CLASSIFICATION: RECALL_BY_GROUP,
    RETRIEVAL: SKEWS,
    CHOICE: CHOICES,
    STEREOTYPE: STEREOTYPES,
}
NAME = "declared"
"""The name of the benchmark for a dataset that a user names, see `DECLARED`."""
VERSION = "1"
"""The version of what is measured and how. It has to be raised when a number of a declared dataset would change."""


def declared_benchmark(path: str | Path) -> Benchmark:
    """Make a benchmark from a ``dataset.toml``: a plugin's hook yields it to register a dataset without code.

    A whole plugin, with the data in the distribution::

        from pathlib import Path

        from qbench.api import declared_benchmark, hookimpl

        @hookimpl
        def qbench_benchmarks():
            yield declared_benchmark(Path(__file__).parent / "data")

    Parameters
    ----------
    path : str or pathlib.Path
        The file, or the folder of a ``dataset.toml``. If its table is beside it, a spec needs no ``root``; otherwise a
        spec (or ``QBENCH_DATA``) names the folder of the data.

    Returns
    -------
    Benchmark
        Its protocol contains a hash of the description, so that results of a changed description are told apart.

    Raises
    ------
    DataError
        The file does not exist, is not TOML, or lacks its name or protocol. Everything else is checked when the
        benchmark is used, so that listing plugins stays fast.
    """
    file = find(Path(path))
    raw = read_raw(file)
    protocol = _text(raw, "protocol", file)
    if protocol not in METRICS:
        raise DataError(f"protocol: {protocol!r} is not one of {', '.join(map(repr, METRICS))}", where=str(file))
    name = _text(raw, "name", file)
    table, prompts = raw.get("table"), raw.get("prompts")
    asks = isinstance(prompts, dict) and bool(prompts.get("question"))
    supports = protocol == STEREOTYPE and isinstance(table, dict) and bool(table.get("label"))
    beside = isinstance(table, dict) and (file.parent / str(table.get("file", ""))).is_file()
    return Benchmark(
        name=name,
        summary=str(raw.get("summary") or f"{protocol} on {name}"),
        protocol=f"{VERSION}-{digest(raw)}",
        metrics=(*METRICS[protocol], *(SUPPORTED_ANSWERS if supports else ())),
        load=partial(_load, file),
        options=DeclaredOptions,
        how_to_get=str(raw.get("how_to_get", "")),
        licence=str(raw.get("licence", "")),
        citation=str(raw.get("citation", "")),
        note=str(raw.get("note", "")),
        items=raw["items"] if isinstance(raw.get("items"), int) else 0,
        root=file.parent if beside else None,
        probes=("choices",) if protocol in ASKING else ("embedding", "choices") if asks else (),
    )


def describe(place: Path) -> Benchmark:
    """`declared_benchmark` for a folder or file that a user names: the whole file is checked at once."""
    file = find(place)
    checked(read_raw(file), file)
    return replace(declared_benchmark(file), root=file.parent)


def _load(file: Path, options: DeclaredOptions) -> MeasuredTask:
    from qbench.declared.task import task_of

    return task_of(read_description(file), file, options)


def _stored_measure(attributes: Sequence[Attribute], facts: Mapping[str, Any]) -> Measure:
    from qbench.declared.task import stored_measure

    return stored_measure(attributes, facts)


def _text(raw: dict[str, Any], key: str, file: Path) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise DataError(f"the key {key!r} is missing or not a text", where=str(file))
    return value


def _nothing_named(options: DeclaredOptions) -> MeasuredTask:
    raise InputError("no dataset is named", where=NAME, fix='Set root = "…", a folder with a dataset.toml.')


DECLARED = Benchmark(
    name=NAME,
    summary="a dataset of your own: a folder with a dataset.toml that says what is measured (docs/datasets.md)",
    protocol=VERSION,
    metrics=(*RECALL_BY_GROUP, *SKEWS, *CHOICES[1:], *STEREOTYPES, *SUPPORTED_ANSWERS),
    load=_nothing_named,
    options=DeclaredOptions,
    how_to_get="Write a dataset.toml beside your table; docs/datasets.md explains how.",
    licence="the one that its dataset.toml states",
    citation="The measures are those of facet and fairface, of BBQ (Parrish et al. 2022), and accuracy.",
    describe=describe,
    stored_measure=_stored_measure,
)
"""The benchmark for a dataset that the user names in a spec. (A plugin registers its dataset by a name of its own.)"""
