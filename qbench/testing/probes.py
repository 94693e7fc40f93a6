"""The contract of a probe: questions and answers are named, in the dataset's order, stored, repeated and compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from qbench.execution.asked import AskedVariant
from qbench.execution.opened import Opened
from qbench.execution.plan import make_plan
from qbench.execution.progress import Silent
from qbench.execution.run import execute
from qbench.plugins.records import Probe
from qbench.plugins.registry import Entry, Registry
from qbench.probes.batch_order import DATASET, positions, shuffle
from qbench.probes.batches import answered
from qbench.probes.interface import Answers, ProbeMethod
from qbench.spec.model import RunSpec
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench.store.keys import key_of
from qbench.testing import tiny
from qbench.testing.base import NAME, Contract, check_summary
from qbench.testing.outcomes import stored

BATCH = 3
"""Images per batch: few, so that there are several batches, and the last one is not full."""

BATCH_NOISE = 1e-3
"""How far answers may differ because of other batches, relative to the largest answer: rounding in float32, and not
answers in another order."""


class ProbeContract(Contract):
    """Checks for a probe. Override `probe`, and `asked_of` if the tiny model does not answer it."""

    @pytest.fixture
    def probe(self) -> str:
        """Override: the name of the probe."""
        pytest.fail("override the fixture `probe`")

    @pytest.fixture
    def asked_of(self, tiny_clip: Path, tiny_images: Path) -> dict[str, Any]:
        """Who is asked through the probe, and about what: ``models``, ``quantizers`` and ``benchmarks`` of a spec.

        The first quantizer is the baseline, and answers do not depend on the batch.
        """
        return {
            "models": [tiny.model(tiny_clip)],
            "quantizers": [tiny.BASELINE, tiny.CAST],
            "benchmarks": [tiny.benchmark(tiny_images)],
        }

    @pytest.fixture
    def entry(self, probe: str, registry: Registry) -> Entry[Probe]:
        """The record and its plugin."""
        return registry.probe(probe)

    @pytest.fixture
    def method(self, entry: Entry[Probe]) -> ProbeMethod:
        """The probe itself."""
        return entry.record.load()

    @pytest.fixture
    def spec(self, asked_of: Mapping[str, Any]) -> RunSpec:
        """A run in which the probe is used."""
        first = asked_of["quantizers"][0]
        baseline = first if isinstance(first, str) else first.get("label") or first["name"]
        return read_spec({"name": "contract", "batch_size": BATCH, "baseline": baseline, **asked_of})

    @pytest.fixture
    def asked(self, spec: RunSpec, entry: Entry[Probe], registry: Registry, tmp_path: Path) -> AskedVariant:
        """The first model with the baseline, asked about the first benchmark."""
        plan = make_plan(spec, registry)
        model, quantizer, benchmark = plan.models[0].label, spec.baseline, plan.benchmarks[0].label
        chosen = plan.probes[model, benchmark].qualified
        assert chosen == entry.qualified, f"{model} is asked about {benchmark} by {chosen}: override `asked_of`"
        return Opened(plan, Cache(tmp_path / "cache"), Silent()).asked(model, quantizer, benchmark)

    @pytest.fixture
    def answers(self, asked: AskedVariant) -> Answers:
        """All answers in the dataset's order."""
        return asked.answer(DATASET, lambda n: None)

    # --- the record

    def test_the_summary_is_one_line(self, entry: Entry[Probe]) -> None:
        """`qbench list` shows it."""
        check_summary(entry.record.summary)

    def test_the_record_says_whether_towers_answer_alone(self, entry: Entry[Probe], asked: AskedVariant) -> None:
        """`by_tower` is true if, and only if, a part of the answers names its tower."""
        towers = [part.tower for part in asked.answer_parts(DATASET) if part.tower is not None]
        assert entry.record.by_tower == bool(towers), f"by_tower is {entry.record.by_tower}; parts name {towers}"

    def test_each_provider_says_where_answers_come_from(self, entry: Entry[Probe], method: ProbeMethod) -> None:
        """The providers of the record exist, and say what follows from where the answers come from."""
        assert entry.record.providers, "providers is empty: nothing gives answers"
        for name in entry.record.providers:
            provider = method.provider(name)
            for said in ("decodes", "batches", "timed"):
                assert isinstance(getattr(provider, said), bool), f"{said} of the provider {name} is not a bool"
            assert provider.numerics("cpu"), f"numerics of the provider {name} is empty: it is part of every key"

    # --- questions and answers

    def test_the_questions_are_the_same_each_time(self, asked: AskedVariant, method: ProbeMethod) -> None:
        """They are counted, and have a digest, which is part of the keys of answers."""
        task, items = asked.benchmark.task, asked.benchmark.items
        first, second = method.questions(task, items), method.questions(task, items)
        assert first.digest, "the questions have no digest"
        assert first.digest == second.digest, "the digest of the same questions differs from call to call"
        assert first.count > 0, f"{first.count} questions"

    def test_answers_are_named_by_plain_values(self, asked: AskedVariant) -> None:
        """Each part has a name of letters, digits and dashes, and a key of plain values."""
        parts = asked.answer_parts(DATASET)
        assert parts, "nothing is answered"
        names = [part.name for part in parts]
        assert len(set(names)) == len(names), f"two parts have the same name: {', '.join(names)}"
        for part in parts:
            assert NAME.fullmatch(part.name), f"{part.name!r} must consist of letters, digits, dots and dashes"
            assert part.count > 0, f"{part.name}: {part.count} are answered"
            try:
                key_of(part.parts)
            except (TypeError, ValueError) as error:
                pytest.fail(f"{part.name}: the parts of its key are not plain values ({error})")

    def test_all_of_a_batch_is_answered(self, asked: AskedVariant) -> None:
        """A batch has as many answers as it asks for, also where it is not full."""
        encoder = asked.variant.built().encoder
        for part in asked.answer_parts(DATASET):
            every = np.arange(part.count)
            for rows in (every, every[-1:]) if asked.provider.batches else (every,):
                found = part.compute(encoder, rows)
                assert len(found) == len(rows), f"{part.name}: {len(found)} answers to a batch of {len(rows)}"

    def test_answers_are_arrays_that_can_be_stored(self, answers: Answers) -> None:
        """Arrays of finite numbers; none holds Python objects."""
        for name, found in answers.items():
            assert isinstance(found, np.ndarray), f"{name} is a {type(found).__name__}, not a numpy array"
            assert found.dtype.kind in "fiub", f"{name} has the type {found.dtype}: only numbers can be stored"
            assert np.isfinite(found).all(), f"{name} has numbers that are not finite"

    def test_answers_are_in_the_order_of_the_dataset(self, asked: AskedVariant, answers: Answers) -> None:
        """Whatever the order of the batches is."""
        if not asked.provider.batches:
            pytest.skip("it makes no batches")
        shuffled = asked.answer(shuffle(1), lambda n: None)
        for name, found in answers.items():
            moved = _distance(found, shuffled[name])
            assert moved < BATCH_NOISE, f"{name}: in another order of the batches the answers are other ones"

    def test_the_same_variant_answers_alike(self, asked: AskedVariant, answers: Answers) -> None:
        """The same variant gives the same answers when it is asked again."""
        encoder = asked.variant.built().encoder
        for part in asked.answer_parts(DATASET):
            size = asked.batch.size if asked.batch else part.count
            order, step = positions(DATASET, part.count), lambda n: None
            ((_, again),) = answered(part, lambda: encoder, order, [range(part.count)], batch_size=size, step=step)
            assert np.array_equal(again, answers[part.name]), f"{part.name}: the same variant answers differently"

    def test_the_timed_work_is_one_batch_of_each_part(self, asked: AskedVariant) -> None:
        """Where the time is that of a model on this machine, each part can be timed."""
        work = asked.timed_work()
        names = {part.name for part in asked.answer_parts(DATASET)} if asked.provider.timed else set()
        assert set(work) == names, f"timed are {', '.join(sorted(work))}, answered are {', '.join(sorted(names))}"
        encoder = asked.variant.built().encoder
        for answer in work.values():
            answer(encoder)

    # --- what the answers mean

    def test_the_same_answers_have_the_same_outcome(self, asked: AskedVariant, answers: Answers) -> None:
        """An outcome follows from the answers, and can be stored."""
        kept = {name: np.array(found) for name, found in answers.items()}
        first, second = (_outcome(asked, answers) for _ in range(2))
        pd.testing.assert_frame_equal(first.items, second.items)
        assert "item" in first.items, "the items of the outcome have no column item"
        changed = [name for name, found in answers.items() if not np.array_equal(found, kept[name])]
        assert not changed, f"making the outcome changes {', '.join(changed)}"
        stored(first)

    def test_nothing_drifts_from_itself(self, asked: AskedVariant, answers: Answers) -> None:
        """One row per item, with a cosine of 1 to itself and of less to something else."""
        items = asked.benchmark.items
        same = asked.method.drift(items, answers, answers)
        assert {"item", "cosine"} <= set(same.columns), f"the columns are {', '.join(same.columns)}"
        assert len(same) == len(items), f"{len(same)} rows for {len(items)} items"
        np.testing.assert_allclose(same["cosine"], 1, atol=1e-5, err_msg="answers drift from themselves")
        other = {name: np.ascontiguousarray(found[::-1]) for name, found in answers.items()}
        moved = asked.method.drift(items, answers, other)["cosine"]
        assert (moved < 1 - 1e-5).any(), "answers in the reverse order do not drift"

    # --- a run

    def test_a_run_is_completed_and_resumed(
        self, spec: RunSpec, entry: Entry[Probe], registry: Registry, tmp_path: Path
    ) -> None:
        """A complete run with another order of the batches; repeated, it computes nothing."""
        from qbench.results import load

        wanted, folder, cache = spec.model_copy(update={"noise": 1}), tmp_path / "run", Cache(tmp_path / "cache")
        done = execute(wanted, folder, registry=registry, cache=cache)
        results = load(folder)
        assert done.failed == 0, results.cells["error"].tolist()
        assert {cell.record.probe for cell in results.done} == {entry.qualified}
        assert len(results.effects), "no number can be compared with the baseline"
        again = execute(wanted, folder, registry=registry, cache=cache)
        assert again.computed == 0, "the same run is computed again: a key changes from call to call"


def _outcome(asked: AskedVariant, answers: Answers) -> Any:
    return asked.method.outcome(asked.benchmark.task, asked.benchmark.items, asked.questions, answers)


def _distance(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """The largest difference, relative to the largest absolute value."""
    largest = float(np.abs(a).max(initial=0)) or 1.0
    return float(np.abs(a.astype(np.float64) - b).max(initial=0)) / largest
