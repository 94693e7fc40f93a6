"""One variant at work: built when something has to be answered, never for what the cache already holds."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

from qbench.errors import ModelError
from qbench.execution.background import in_background
from qbench.execution.calibration import PreparedCalibration
from qbench.execution.keys import variant_parts
from qbench.execution.plan import PlannedQuantizer
from qbench.execution.prepare import PreparedModel, prepare_model
from qbench.models.heads import build_variant
from qbench.models.interface import Context, Tower, Variant
from qbench.probes.interface import Parts, Provider
from qbench.runfolder.schema import ControlInfo, VariantFacts
from qbench.store.cache import Cache
from qbench.store.memos import SPEEDS

VARIANTS = "variants"


class VariantRun:
    """One model × quantizer.

    Parameters
    ----------
    cache : Cache
        Where its answers and what is known of it are kept.
    model, quantizer
        What is run.
    calibration : PreparedCalibration, optional
        What the method may learn from.
    building : threading.RLock, optional
        Held while a variant is built; the variants of a run share it. A library that loads a model may change what is
        global meanwhile (transformers sets torch's default type), so that no other model may be built or asked then.

    Attributes
    ----------
    seconds : dict of str to float
        Seconds of each kind of work since it was last cleared.
    """

    def __init__(
        self,
        cache: Cache,
        model: PreparedModel,
        quantizer: PlannedQuantizer,
        calibration: PreparedCalibration | None = None,
        building: threading.RLock | None = None,
    ) -> None:
        self.model, self.quantizer, self.calibration = model, quantizer, calibration
        self.seconds: dict[str, float] = {}
        self._cache = cache
        self._parts: dict[type[Provider], Parts] = {}
        self._arm: VariantRun | None = None
        self._variant: Variant | None = None
        self._broken: Exception | None = None
        self._building = building or threading.RLock()
        self._build_seconds = 0.0
        self._facts: dict[type[Provider], VariantFacts] = {}

    @property
    def name(self) -> str:
        """Both labels, for messages."""
        return f"{self.model.planned.label} · {self.quantizer.label}"

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._variant is not None

    def answering(self, tower: Tower | None) -> VariantRun:
        """Who gives the answers of a tower: this variant, or its control arm if the quantizer leaves the tower alone.

        The control arm is asked itself where the cache does not have its answers, so that a method which changes a
        tower against its options can put nothing wrong into the cache.
        """
        planned = self.quantizer.answering(tower)
        if planned is self.quantizer:
            return self
        if self._arm is None:
            self._arm = VariantRun(self._cache, self.model, planned, building=self._building)
            self._arm.seconds = self.seconds  # of the same cell
        return self._arm

    def parts(self, provider: Provider) -> Parts:
        """What decides the variant, where `provider` gives its answers."""
        of = type(provider)
        if of not in self._parts:
            numerics = provider.numerics(self.quantizer.device)
            self._parts[of] = variant_parts(
                self.model, self.quantizer, self._cache, numerics=numerics, calibration=self.calibration
            )
        return self._parts[of]

    def check_unchanged(self, provider: Provider) -> None:
        """Open the checkpoint again and read what decides the variant, which has to be what it was.

        It is called after something was computed and before it is kept, so that nothing is kept under a key that was
        made from other files.

        Raises
        ------
        ModelError
            Files of the checkpoint, or files that an option names, have other content by now, or torch computes in
            another way.
        """
        model = prepare_model(self.model.planned)
        now = variant_parts(
            model,
            self.quantizer,
            self._cache,
            numerics=provider.numerics(self.quantizer.device),
            calibration=self.calibration,
        )
        if now != self.parts(provider):
            changed = ", ".join(sorted(name for name in now if now[name] != self.parts(provider).get(name)))
            if changed == "numerics":
                raise ModelError(
                    f"how this machine computes changed while the run was going on: {now[changed]}, before "
                    f"{self.parts(provider)[changed]}",
                    where=self.name,
                    fix="Run again, and leave torch's number of threads as it is until the run is done.",
                )
            raise ModelError(
                f"files of the model or of an option were changed while the run was going on ({changed})",
                where=self.name,
                fix="Run again, and leave the files as they are until the run is done.",
            )

    def facts(self, provider: Provider) -> VariantFacts:
        """What is known of the variant itself; kept in the cache beside its answers.

        Raises
        ------
        ModelError
            It is not known, and the variant was built of other files than those that decide it.
        """
        of = type(provider)
        if of not in self._facts:
            self._facts[of] = self._known_facts(provider)
        return self._facts[of]

    def _known_facts(self, provider: Provider) -> VariantFacts:
        memo = self._cache.memo(VARIANTS, self.parts(provider), exchanged=True)
        known = memo.read()
        if known is None:
            variant = self.built()
            facts = VariantFacts(
                coverage=variant.coverage,
                dtype=variant.dtype,
                control=ControlInfo(name=variant.control, note=variant.note),
                kind=variant.kind,
                numerics=variant.numerics,
            )
            self.check_unchanged(provider)
            known = facts.model_dump(mode="json")
            memo.write(known)
        return VariantFacts.model_validate_json(json.dumps(known))

    def built(self) -> Variant:
        """The variant, loaded once. What could not be built is not tried again for every benchmark.

        Whoever asks a model asks for it here before each stretch of answers, and so waits for one that is being loaded.
        """
        with self._building:
            variant = self._built()
            if self._build_seconds:
                self.seconds["build"] = self.seconds.get("build", 0.0) + self._build_seconds
                self._build_seconds = 0.0
            return variant

    def load_ahead(self) -> Future[None]:
        """Begin to load the variant in a thread of its own; why it cannot be loaded is said when it is asked for."""
        begun = threading.Event()

        def load() -> None:
            with self._building:
                begun.set()
                with suppress(Exception):
                    self._built()

        loading = in_background(load)
        begun.wait()
        return loading

    def _built(self) -> Variant:
        if self._broken is not None:
            raise self._broken
        if self._variant is None:
            begun = time.perf_counter()
            try:
                self._variant = self.build()
            except Exception as error:
                self._broken = error
                raise
            finally:
                self._build_seconds += time.perf_counter() - begun
        return self._variant

    def build(self) -> Variant:
        """Build the variant anew; it is the caller's to close."""
        context = Context(device=self.quantizer.device, calibration=self.calibration)
        return build_variant(self.quantizer.entry.record.build, self.model.checkpoint, context, self.quantizer.options)

    def close(self) -> None:
        """Release the model, if it was loaded."""
        if self._variant is not None:
            self._variant.encoder.close()
            self._variant = None
        if self._arm is not None:
            self._arm.close()

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Add the seconds of a block to `seconds`."""
        begun = time.perf_counter()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.perf_counter() - begun


def remember_speed(cache: Cache, variant: Parts, name: str, seconds: float) -> None:
    """Keep how many seconds one image (or text) took, for `qbench plan`."""
    cache.memo(SPEEDS, variant).write({**known_speeds(cache, variant), name: seconds})


def known_speeds(cache: Cache, variant: Parts) -> dict[str, float]:
    """Seconds per image, text or whatever is answered, by the name of the part, where they were measured."""
    return cache.memo(SPEEDS, variant).read() or {}
