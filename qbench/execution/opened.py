"""The models and the data of a plan, each opened once in a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar

from qbench.execution.asked import AskedVariant
from qbench.execution.calibration import PreparedCalibration, prepare_calibration
from qbench.execution.plan import Plan
from qbench.execution.prepare import PreparedBenchmark, PreparedModel, prepare_benchmark, prepare_model
from qbench.execution.progress import Silent
from qbench.execution.variant import VariantRun
from qbench.images.decoder import Decoder
from qbench.store.cache import Cache

Thing = TypeVar("Thing")


class Opened:
    """What is open of a plan. What cannot be opened raises the same error each time, without another attempt.

    Parameters
    ----------
    plan : Plan
        What is run.
    cache : Cache
        Where everything that is computed is kept.
    progress : Silent
        Is told of what is read.

    Attributes
    ----------
    decoder : Decoder
        Decodes the images of the benchmarks.
    """

    def __init__(self, plan: Plan, cache: Cache, progress: Silent) -> None:
        self.plan, self.cache, self.progress = plan, cache, progress
        self.decoder = Decoder(cache, workers=plan.spec.processes, step=progress.step)
        self._found: dict[tuple[str, ...], Any] = {}
        self._building = threading.RLock()
        self._models = {model.label: model for model in plan.models}
        self._quantizers = {quantizer.label: quantizer for quantizer in plan.quantizers}
        self._benchmarks = {benchmark.label: benchmark for benchmark in plan.benchmarks}

    def model(self, label: str) -> PreparedModel:
        """A checkpoint whose files were found; raises whatever its source raises."""
        return self._once(("model", label), lambda: prepare_model(self._models[label]))

    def benchmark(self, label: str) -> PreparedBenchmark:
        """A benchmark whose data was found; raises whatever its task raises."""
        planned, spec = self._benchmarks[label], self.plan.spec
        return self._once(
            ("benchmark", label),
            lambda: prepare_benchmark(
                planned,
                self.cache,
                self.plan.probes_of(planned),
                limit=spec.limit,
                half=spec.half,
                workers=spec.processes,
                step=self.progress.step,
            ),
        )

    def variant(self, model: str, quantizer: str) -> VariantRun:
        """A variant, not built yet; raises as `model` does."""
        return self._once(
            ("variant", model, quantizer),
            lambda: VariantRun(
                self.cache,
                self.model(model),
                self._quantizers[quantizer],
                self.calibration(quantizer),
                self._building,
            ),
        )

    def calibration(self, quantizer: str) -> PreparedCalibration | None:
        """The calibration data of a quantizer; `None` if it uses none. Raises whatever reading them raises."""
        planned = self._quantizers[quantizer].calibration
        if planned is None:
            return None
        return self._once(
            ("calibration", planned.spec.model_dump_json()),
            lambda: prepare_calibration(planned, self.cache, workers=self.plan.spec.processes),
        )

    def asked(self, model: str, quantizer: str, benchmark: str) -> AskedVariant:
        """A variant with a benchmark; raises as `model` and `benchmark` do."""
        probe = self.plan.probes[model, benchmark]
        return self._once(
            ("asked", str(self.plan.spec.batch_size), model, quantizer, benchmark),
            lambda: AskedVariant(
                self.cache,
                self.variant(model, quantizer),
                self.benchmark(benchmark),
                probe,
                self.plan.spec,
                self.decoder,
            ),
        )

    def in_batches_of(self, size: int) -> Opened:
        """What is open, for the same plan in batches of another size: models, data and variants are shared."""
        other = copy(self)
        other.plan = replace(self.plan, spec=self.plan.spec.model_copy(update={"batch_size": size}))
        return other

    def _once(self, key: tuple[str, ...], make: Callable[[], Thing]) -> Thing:
        if key not in self._found:
            try:
                self._found[key] = make()
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is raised again for each who asks
                self._found[key] = _Error(error)
        found = self._found[key]
        if isinstance(found, _Error):
            raise found.error
        return found  # type: ignore[no-any-return]


class _Error:
    """An error that is remembered."""

    def __init__(self, error: Exception) -> None:
        self.error = error
