"""What decides a result, listed: the keys of variants and cells. Those of answers are their probe's.

The parts are plain values and are stored beside what they name, so that two results can be compared and the difference
be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qbench.execution.option_files import option_digests, path_digests
from qbench.execution.plan import PlannedQuantizer
from qbench.execution.prepare import PreparedBenchmark, PreparedModel
from qbench.models.interface import CalibrationData
from qbench.models.numerics import version_of, versions
from qbench.plugins.options import file_options, options_dict
from qbench.plugins.registry import Entry
from qbench.probes.interface import Parts
from qbench.store.cache import Cache

OF_THE_QUANTIZER = "content"
"""Under this name are the files that a quantizer's record names itself, whatever its options are."""


def variant_parts(
    model: PreparedModel,
    quantizer: PlannedQuantizer,
    cache: Cache,
    *,
    numerics: str,
    calibration: CalibrationData | None = None,
) -> Parts:
    """What decides a variant.

    Parameters
    ----------
    model, quantizer
        The weights, the method and its options. Of an option that names files, their content.
    cache : Cache
        Where digests of files are remembered.
    numerics : str
        The kernels that run, in the words of the provider of the answers.
    calibration : CalibrationData, optional
        What the method learned from.
    """
    source, method = model.planned.entry, quantizer.entry
    parts = {
        "core": version_of("qbench-vlm"),
        "weights": model.checkpoint.identity.fingerprint,
        "architecture": model.checkpoint.identity.architecture,
        "source": origin(source),
        "quantizer": origin(method),
        "options": _without_files(quantizer.options),
        "versions": versions((*source.record.requires, *method.record.requires)),
        "numerics": numerics,
    }
    files = _variant_files(model, quantizer, cache)
    if files:
        parts["files"] = files
    if calibration is not None:
        parts["calibration"] = calibration.digest
    return parts


def cell_parts(answers: Mapping[str, str], benchmark: PreparedBenchmark, noise: int) -> Parts:
    """What decides a cell: its answers by their keys, items, benchmark with options and protocol, the orders."""
    entry = benchmark.planned.entry
    return {
        "answers": dict(answers),
        "items": benchmark.items_key,
        "benchmark": origin(entry),
        "protocol": entry.record.protocol,
        "options": _without_files(benchmark.planned.options),
        **({"files": benchmark.files} if benchmark.files else {}),
        "noise": noise,
    }


def origin(entry: Entry[Any]) -> list[str]:
    """Which record of a plugin, and of which version of it."""
    return [entry.qualified, entry.plugin.distribution, entry.plugin.version]


def _variant_files(model: PreparedModel, quantizer: PlannedQuantizer, cache: Cache) -> dict[str, dict[str, str]]:
    record = quantizer.entry.record
    if record.files is None:
        return option_digests(quantizer.options, cache)
    return {OF_THE_QUANTIZER: path_digests(record.files(model.checkpoint, quantizer.options), cache)}


def _without_files(options: Any) -> dict[str, Any]:
    files = file_options(type(options))
    return {name: value for name, value in options_dict(options).items() if name not in files}
