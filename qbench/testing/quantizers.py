"""The contract of a quantizer: its coverage and its claims are true, and its results are reproducible."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from qbench.errors import QuantizationError
from qbench.execution.calibration import prepare_calibration
from qbench.execution.plan import PlannedQuantizer, plan_model, plan_quantizer
from qbench.execution.run import execute
from qbench.models.control_arms import CONTROL_ARMS
from qbench.models.interface import Checkpoint, Context, DType, Layer, LoadedModel, NamedEncoder, Tower, Variant
from qbench.models.layer_options import LayerOptions
from qbench.plugins.registry import Entry, Registry
from qbench.spec.model import CalibrationSpec, ModelSpec, QuantizerSpec
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench.store.digests import digests_below
from qbench.testing import layers, tiny
from qbench.testing.base import WithOptions, check_requires
from qbench.testing.devices import asked_for
from qbench.testing.embedding import Floats, alone, distance, embed, find, module_of, provider_of

EXACT = 1e-5
"""The relative difference below which weights count as equal: the rounding of float32 (6e-8 per operation) in a sum of
a hundred products."""

INVARIANT = {"float32": 1e-3, "float16": 0.02, "bfloat16": 0.1}
"""The relative distance that other batches may change embeddings, by type: what rounding in another order does."""

Seen = Callable[[LoadedModel], tuple[Floats, Floats]]


class QuantizerContract(WithOptions):
    """Checks for a quantizer or a control arm. Override `quantizer`, and `model` if it needs a special checkpoint."""

    @pytest.fixture
    def quantizer(self) -> Any:
        """Override: the quantizer as a spec names it, ``"mine"`` or ``{"name": …, "options": {…}}``."""
        pytest.fail("override the fixture `quantizer`")

    @pytest.fixture
    def model(self, tiny_clip: Path) -> Any:
        """The checkpoint that is quantized, as a spec names it; the tiny CLIP if not overridden."""
        return tiny.model(tiny_clip)

    @pytest.fixture
    def baseline(self) -> str:
        """The quantizer with which a run is compared; empty if the checkpoint cannot be loaded unquantized."""
        return tiny.BASELINE

    @pytest.fixture
    def original(self, checkpoint: Checkpoint, device: str, machine: None) -> LoadedModel:
        """The model before it is quantized, in float32, where the variant is: another device rounds in another way."""
        return checkpoint.load(device=device, dtype="float32")

    # --- fixtures that follow from these

    @pytest.fixture
    def calibration(self, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
        """The calibration data, as a spec names them, for a quantizer that uses them."""
        return tiny.write_calibration(tmp_path_factory.getbasetemp() / "qbench-tiny-calibration")

    @pytest.fixture
    def device(self, quantizer: Any, registry: Registry) -> str:
        """The device on which it is tested: the GPU where torch finds one and the method runs there, else the CPU.

        Override it, or set ``CUDA_VISIBLE_DEVICES`` to nothing, to test the CPU on a machine with a GPU.
        """
        import torch

        devices = registry.quantizer(QuantizerSpec.model_validate(quantizer).name).record.devices
        return "cuda" if "cuda" in devices and (torch.cuda.is_available() or "cpu" not in devices) else "cpu"

    @pytest.fixture
    def planned(self, quantizer: Any, device: str, registry: Registry, calibration: Any) -> PlannedQuantizer:
        """The quantizer with its options, found as a run finds it."""
        spec, drawn = QuantizerSpec.model_validate(quantizer), CalibrationSpec.model_validate(calibration)
        return plan_quantizer(spec, device, registry, calibration=drawn)

    @pytest.fixture
    def context(self, planned: PlannedQuantizer) -> Context:
        """What the quantizer gets beside the checkpoint and its options."""
        return _context(planned)

    @pytest.fixture
    def entry(self, planned: PlannedQuantizer) -> Entry[Any]:
        """The record and its plugin."""
        return planned.entry

    @pytest.fixture
    def options(self, planned: PlannedQuantizer) -> Any:
        """The options."""
        return planned.options

    @pytest.fixture
    def reopen(self, model: Any, registry: Registry) -> Callable[[], Checkpoint]:
        """Open the checkpoint anew."""
        found = plan_model(ModelSpec.model_validate(model), registry)
        return lambda: found.entry.record.open(found.checkpoint, found.options)

    @pytest.fixture
    def checkpoint(self, reopen: Callable[[], Checkpoint]) -> Checkpoint:
        """The checkpoint."""
        return reopen()

    @pytest.fixture
    def machine(self, planned: PlannedQuantizer) -> None:
        """Skips the test if this machine cannot run the method; override it if the method needs more than a GPU."""
        import torch

        if planned.device == "cuda" and not torch.cuda.is_available():
            pytest.skip(f"{planned.entry.record.name} needs a GPU, and torch finds none")

    @pytest.fixture
    def build(
        self, planned: PlannedQuantizer, checkpoint: Checkpoint, context: Context, machine: None
    ) -> Callable[[], Variant]:
        """Build the variant anew."""
        return lambda: planned.entry.record.build(checkpoint, context, planned.options)

    @pytest.fixture(scope="class")
    @classmethod
    def last_built(cls) -> Iterator[list[tuple[Any, Variant]]]:
        """What the variant of the check before was built from, and the variant; empty if there is none to share."""
        last: list[tuple[Any, Variant]] = []
        yield last
        _close(last)

    @pytest.fixture
    def variant(
        self,
        last_built: list[tuple[Any, Variant]],
        build: Callable[[], Variant],
        planned: PlannedQuantizer,
        checkpoint: Checkpoint,
    ) -> Variant:
        """The variant. Successive checks of one quantizer share it; a check that changes it clears `last_built`."""
        of = planned, checkpoint.identity
        if not last_built or last_built[0][0] != of:
            _close(last_built)
            last_built.append((of, build()))
        return last_built[0][1]

    @pytest.fixture
    def seen(self, checkpoint: Checkpoint, tiny_images: Path) -> Seen:
        """Embeds images and texts, and checks the result; precomputed embeddings are looked up."""
        pixels = _pixels(checkpoint)
        return lambda encoder: (
            find(encoder, tiny_images) if isinstance(encoder, NamedEncoder) else embed(encoder, pixels)
        )

    # --- the record

    def test_the_record_says_what_a_user_chooses_by(self, entry: Entry[Any], registry: Registry) -> None:
        """The record has bits, a kind, devices, and the distributions whose versions decide an embedding."""
        record = entry.record
        assert record.bits >= 0, f"bits is {record.bits}"
        assert record.kind in ("quantization", "control"), f"kind is {record.kind!r}"
        assert record.devices, "devices is empty"
        assert set(record.devices) <= {"cpu", "cuda"}, f"devices must be cpu or cuda, not {record.devices}"
        runs = provider_of(record, registry).timed
        assert record.requires or not runs, "requires is empty: name at least torch, or whatever runs the model"
        check_requires(record.requires)

    # --- what was done

    def test_coverage_is_true(
        self,
        variant: Variant,
        last_built: list[tuple[Any, Variant]],
        original: LoadedModel,
        planned: PlannedQuantizer,
    ) -> None:
        """The weights of quantized layers differ from the original, and those of the other layers do not."""
        model, before = module_of(variant.encoder), layers.linears(module_of(original))
        last_built.clear()  # some layers change when they are multiplied by
        assert {layer.name for layer in variant.coverage.layers} == set(before), (
            "coverage must name every Linear layer once"
        )
        for layer in variant.coverage.layers:
            plain = before[layer.name]
            assert layer.parameters == plain.weight.numel(), f"{layer.name} has {plain.weight.numel()} weights"
            plain, width = plain.to(planned.device), plain.in_features
            wanted = layers.matrix(plain, width, device=planned.device, dtype="float32")
            cast = layers.matrix(plain.to(_dtype(variant.dtype)), width, device=planned.device, dtype=variant.dtype)
            layer_now = model.get_submodule(layer.name)
            found = layers.matrix(layer_now, width, device=planned.device, dtype=variant.dtype)
            changed = layers.relative(cast, found)
            if layer.quantized:
                assert changed > EXACT, (
                    f"coverage says that {layer.name} is quantized, but its weights are the original ones"
                )
                found = layers.without_input_rounding(wanted, found)
                _check_error(layer, layers.relative(wanted, found), variant.dtype)
            else:
                assert changed <= EXACT, (
                    f"coverage says that {layer.name} is not quantized, but its weights differ ({changed:.1e})"
                )
                assert layer.reason, f"{layer.name} is not quantized, and coverage gives no reason"

    def test_coverage_counts(self, variant: Variant, original: LoadedModel, entry: Entry[Any]) -> None:
        """Bits, parameters and bytes are plausible; a quantizer quantizes something, a control arm nothing."""
        coverage = variant.coverage
        for layer in coverage.layers:
            assert 0 < layer.bits <= 64, f"{layer.name} has {layer.bits} bits per weight"
            assert layer.tower in get_args(Tower), f"{layer.name} is in the tower {layer.tower!r}"
        count = sum(p.numel() for p in module_of(original).parameters())
        assert coverage.total_parameters == count, f"the model has {count} parameters"
        assert (coverage.model_bytes or 0) > 0 or coverage.declared, (
            "model_bytes must be the bytes of the model in memory"
        )
        quantized = [layer for layer in coverage.layers if layer.quantized]
        if entry.record.kind == "control":
            assert not quantized, "a control arm must not quantize a layer"
        else:
            assert quantized, "nothing was quantized: raise a QuantizationError"

    def test_coverage_survives_json(self, variant: Variant) -> None:
        """Coverage, which every cell stores, consists of plain numbers and texts, not those of numpy or torch."""
        coverage = dataclasses.asdict(variant.coverage)
        try:
            travelled = json.loads(json.dumps(coverage, allow_nan=False))
        except (TypeError, ValueError) as error:
            pytest.fail(f"coverage has a value that JSON cannot store ({error})")
        assert travelled == {**coverage, "layers": list(coverage["layers"])}

    def test_layers_are_chosen(
        self,
        variant: Variant,
        checkpoint: Checkpoint,
        planned: PlannedQuantizer,
        registry: Registry,
        seen: Seen,
    ) -> None:
        """A method with `LayerOptions` honours ``only``; a tower that it leaves alone is that of the control arm."""
        if not isinstance(planned.options, LayerOptions):
            pytest.skip("the options are not LayerOptions, so the method cannot be told which layers to change")
        layers = [layer for layer in variant.coverage.layers if layer.quantized and layer.tower == "image"]
        if not layers:
            pytest.skip("these options change no layer of the image tower")
        context, name = _context(planned), layers[0].name
        chosen = planned.entry.record.build(checkpoint, context, dataclasses.replace(planned.options, only=(name,)))
        found = [layer.name for layer in chosen.coverage.layers if layer.quantized]
        assert found == [name], f"only = {name}, and {', '.join(found) or 'nothing'} is quantized"
        arm = registry.quantizer(CONTROL_ARMS[planned.options.other_dtype]).record
        texts = seen(arm.build(checkpoint, context, arm.options()).encoder)[1]
        assert np.array_equal(seen(chosen.encoder)[1], texts), (
            "only a layer of the image tower is quantized, but the text embeddings are not those of the control arm"
        )

    # --- the embeddings

    def test_embeddings_are_finite_and_float32(self, variant: Variant, seen: Seen) -> None:
        """Embeddings of images and of texts of any length are ``(b, d)`` float32, finite and not zero."""
        seen(variant.encoder)

    def test_embeddings_survive_without_pickle(self, variant: Variant, seen: Seen) -> None:
        """Embeddings are plain arrays."""
        file = io.BytesIO()
        (images, _) = seen(variant.encoder)
        np.save(file, images, allow_pickle=False)
        file.seek(0)
        np.testing.assert_array_equal(np.load(file, allow_pickle=False), images)

    def test_quantizing_changes_embeddings(
        self,
        variant: Variant,
        original: LoadedModel,
        checkpoint: Checkpoint,
        entry: Entry[Any],
        registry: Registry,
    ) -> None:
        """The embeddings of a variant differ from those of the original."""
        if entry.record.kind == "control":
            pytest.skip("a control arm only casts")
        if not provider_of(entry.record, registry).decodes:
            pytest.skip("the embeddings are precomputed, for images that are not these")
        pixels = _pixels(checkpoint)
        moved = [distance(a, b) for a, b in zip(embed(original, pixels), embed(variant.encoder, pixels), strict=True)]
        assert max(moved) > 0, "the embeddings are those of the unquantized model"

    def test_the_same_comes_out_each_time(
        self, build: Callable[[], Variant], seen: Seen, reseed: Callable[[int], None]
    ) -> None:
        """Two builds are equal bit for bit, whatever the global random state is."""
        found = []
        for seed in (1, 2):
            reseed(seed)
            variant = build()
            found.append((variant.coverage, *seen(variant.encoder)))
        said = "two builds differ: give the method a seed of its own, as an option"
        assert found[0][0] == found[1][0], said
        assert all(np.array_equal(a, b) for a, b in zip(found[0][1:], found[1][1:], strict=True)), said

    def test_batch_invariance_is_true(self, variant: Variant, checkpoint: Checkpoint, entry: Any) -> None:
        """If the record claims batch invariance, the other items of a batch do not change an embedding."""
        if not entry.record.batch_invariant:
            pytest.skip("batch_invariant is not claimed")
        pixels = _pixels(checkpoint)
        together, one_by_one = embed(variant.encoder, pixels), alone(variant.encoder, pixels)
        for what, a, b in zip(("image", "text"), together, one_by_one, strict=True):
            moved = distance(a, b)
            assert moved <= INVARIANT[variant.dtype], (
                f"batch_invariant is claimed, but {what} embeddings change by {moved:.1e} of their length when "
                "they are embedded one by one"
            )

    def test_calibration_data_are_used(
        self,
        variant: Variant,
        planned: PlannedQuantizer,
        quantizer: Any,
        registry: Registry,
        checkpoint: Checkpoint,
        tmp_path: Path,
    ) -> None:
        """If the record says that the quantizer uses calibration data, other data give other embeddings."""
        if not planned.entry.record.calibrates:
            pytest.skip("the record says that no calibration data are used")
        spec, dark = QuantizerSpec.model_validate(quantizer), tiny.write_calibration(tmp_path / "dark", brightest=20)
        other = plan_quantizer(spec, planned.device, registry, calibration=CalibrationSpec.model_validate(dark))
        dimmed, pixels = other.entry.record.build(checkpoint, _context(other), other.options), _pixels(checkpoint)
        moved = [
            distance(a, b) for a, b in zip(embed(variant.encoder, pixels), embed(dimmed.encoder, pixels), strict=True)
        ]
        assert max(moved) > 0, "calibrates is true, but other calibration data give the same embeddings"

    # --- the surroundings

    def test_the_input_model_is_not_changed(
        self,
        build: Callable[[], Variant],
        reopen: Callable[[], Checkpoint],
        checkpoint: Checkpoint,
        baseline: str,
        seen: Seen,
    ) -> None:
        """A build changes neither the files, nor the identity, nor the weights of the checkpoint."""
        pixels = _pixels(checkpoint)

        def state() -> list[Any]:
            files = sorted(p for p in Path(getattr(checkpoint, "folder", "/nowhere")).glob("*") if p.is_file())
            kept: list[Any] = [checkpoint.identity, checkpoint.preprocessing, reopen().identity]
            kept += zip(files, digests_below(Cache(), Path("/"), files), strict=True)
            if baseline:
                loaded = checkpoint.load(device="cpu", dtype="float32")
                kept += [array.tobytes() for array in embed(loaded, pixels)]
            return kept

        before = state()
        seen(build().encoder)
        assert state() == before, "the build changed the checkpoint"

    def test_device_and_dtype_are_honoured(self, variant: Variant, planned: PlannedQuantizer) -> None:
        """The model is on the device that was asked for, and layers that are not quantized have the stated type."""
        assert variant.dtype in get_args(DType), f"dtype is {variant.dtype!r}"
        model = module_of(variant.encoder)
        places = {tensor.device.type for tensor in (*model.parameters(), *model.buffers())}
        assert places == {planned.device.partition(":")[0]}, f"the model is on {', '.join(sorted(places))}"
        for layer in variant.coverage.layers:
            if not layer.quantized:
                kind = model.get_submodule(layer.name).weight.dtype
                assert kind == _dtype(variant.dtype), f"dtype is {variant.dtype}, but {layer.name} is in {kind}"

    def test_another_device_is_asked_for(
        self,
        quantizer: Any,
        registry: Registry,
        checkpoint: Checkpoint,
        calibration: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """If a run asks for ``cuda:1``, the weights are loaded there or moved there. This check needs no GPU.

        A method for the CPU must load on the CPU. For a method that asks for no weights without a GPU, the check is
        repeated with two pretended GPUs.
        """
        drawn = CalibrationSpec.model_validate(calibration)
        planned = plan_quantizer(QuantizerSpec.model_validate(quantizer), "cuda:1", registry, calibration=drawn)
        record, wanted = planned.entry.record, planned.device
        how: Any = (checkpoint, _context(planned), record, planned.options, monkeypatch)
        asked, error = asked_for(*how)
        if not provider_of(record, registry).timed:
            assert not asked, f"the embeddings are precomputed, and weights were asked for on {asked}"
            assert error is None, f"the embeddings cannot be read where the context says {wanted} ({error})"
            return
        if not asked:
            asked, error = asked_for(*how, feigned=True)
        if not asked and isinstance(error, QuantizationError | ImportError):
            pytest.skip(f"the method asks for no weights on this machine, and says why: {error}")
        assert asked, f"the context says {wanted}, but the checkpoint was asked for no weights ({error or 'no error'})"
        assert wanted in asked, f"the context says {wanted}, but the checkpoint was asked for {asked}"

    def test_it_is_closed(self, variant: Variant, last_built: list[tuple[Any, Variant]]) -> None:
        """The encoder can be closed, so that its memory is free before the next variant is built."""
        last_built.clear()
        variant.encoder.close()

    def test_it_runs_and_its_results_are_read_back(
        self,
        quantizer: Any,
        model: Any,
        baseline: str,
        registry: Registry,
        tiny_images: Path,
        tmp_path: Path,
        planned: PlannedQuantizer,
        calibration: Any,
        machine: None,
    ) -> None:
        """A complete run of eight images: cells, effects and items are read back from JSON and Parquet."""
        from qbench.results import load

        others = [baseline] if baseline not in ("", planned.label) else []
        spec = {
            "name": "contract",
            "models": [model],
            "quantizers": [*others, quantizer],
            "baseline": others[0] if others else planned.label,
            "device": planned.device,
            "benchmarks": [tiny.benchmark(tiny_images)],
            "batch_size": 4,
            **({"calibration": calibration} if planned.entry.record.calibrates else {}),
        }
        done = execute(read_spec(spec), tmp_path / "run", registry=registry, cache=Cache(tmp_path / "cache"))
        results = load(tmp_path / "run")
        assert done.failed == 0, results.cells["error"].tolist()
        assert set(results.items["quantizer"]) == {planned.label, *others}
        assert results.metrics["value"].notna().any()
        assert set(results.effects["quantizer"]) == ({planned.label} if others else set())

    # --- helpers

    @pytest.fixture
    def reseed(self) -> Any:
        """Sets the global random states of Python, numpy and torch, and restores them after the test."""
        import random

        import torch

        kept = torch.get_rng_state(), np.random.get_state(), random.getstate()

        def seed(value: int) -> None:
            random.seed(value)
            np.random.seed(value)
            torch.manual_seed(value)

        yield seed
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])
        random.setstate(kept[2])


def _close(last_built: list[tuple[Any, Variant]]) -> None:
    """Release the variant that checks share, if there is one, before another one needs the memory."""
    while last_built:
        last_built.pop()[1].encoder.close()


def _context(planned: PlannedQuantizer) -> Context:
    """What a run gives to a quantizer, with calibration data if it uses them."""
    drawn = prepare_calibration(planned.calibration, Cache(), workers=1) if planned.calibration else None
    return Context(device=planned.device, calibration=drawn)


def _check_error(layer: Layer, found: float, dtype: str) -> None:
    """Check that the weight error in the coverage is the one that is measured."""
    # In 16 bit the rounding of the bias is as large as a small error of the weights.
    if layer.error is not None and dtype == "float32":
        assert abs(layer.error - found) <= 0.05 * found + 1e-3, (
            f"{layer.name}: coverage states a weight error of {layer.error:.4f}, but it is {found:.4f}"
        )


def _dtype(name: str) -> Any:
    import torch

    return getattr(torch, name)


def _pixels(checkpoint: Checkpoint) -> Any:
    return tiny.pixels(size=checkpoint.preprocessing.geometry.size)
