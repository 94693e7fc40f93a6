"""The contract of a model source: a checkpoint is identified, loaded as asked for, and gives valid embeddings."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from qbench.errors import QbenchError
from qbench.execution.plan import PlannedModel, plan_model, plan_quantizer
from qbench.execution.run import execute
from qbench.images.preprocessing import Preprocessing
from qbench.models.interface import Checkpoint, DType, Encoder, Identity, Inspectable, Limited
from qbench.plugins.records import Located
from qbench.plugins.registry import Entry, Registry
from qbench.spec.model import ModelSpec, QuantizerSpec
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
from qbench.testing import layers, tiny
from qbench.testing.base import WithOptions, check_requires
from qbench.testing.embedding import alone, distance, embed, encoder_of, module_of, provider_of
from qbench.testing.quantizers import INVARIANT

ORDER = 1e-3
"""The relative distance of embeddings below which two inputs count as embedded alike."""


class ModelSourceContract(WithOptions):
    """Checks for a model source, on one checkpoint that is on this machine. Override `model`."""

    @pytest.fixture
    def model(self) -> Any:
        """Override: a checkpoint as a spec names it, ``"mine/small"`` or ``{"source": …, "options": {…}}``."""
        pytest.fail("override the fixture `model`")

    @pytest.fixture
    def quantizer(self) -> Any:
        """The quantizer of the run. Override it for a source of precomputed embeddings, with what reads a variant."""
        return tiny.BASELINE

    @pytest.fixture
    def benchmark(self, tiny_images: Path) -> dict[str, Any]:
        """The benchmark of the run, as a spec names it. Override it for models that answer another probe."""
        return tiny.benchmark(tiny_images)

    @pytest.fixture
    def found_in(self) -> Path | None:
        """Override it if the source has no option `path`: the folder of its files, in which the checks change files."""
        return None

    @pytest.fixture
    def deciding(self) -> Sequence[str]:
        """The names of files that decide an embedding. Override it if yours have other names, or if no file does."""
        return tiny.DECIDING

    @pytest.fixture
    def planned(self, model: Any, registry: Registry) -> PlannedModel:
        """The checkpoint with its options, found as a run finds it."""
        return plan_model(ModelSpec.model_validate(model), registry)

    @pytest.fixture
    def entry(self, planned: PlannedModel) -> Entry[Any]:
        """The record and its plugin."""
        return planned.entry

    @pytest.fixture
    def options(self, planned: PlannedModel) -> Any:
        """The options."""
        return planned.options

    @pytest.fixture
    def reopen(self, planned: PlannedModel) -> Callable[[], Checkpoint]:
        """Open the checkpoint anew."""
        return lambda: planned.entry.record.open(planned.checkpoint, planned.options)

    @pytest.fixture
    def checkpoint(self, reopen: Callable[[], Checkpoint]) -> Checkpoint:
        """The checkpoint."""
        return reopen()

    @pytest.fixture
    def precomputed(self, quantizer: Any, registry: Registry) -> bool:
        """Whether the source has precomputed embeddings only, and nothing to load."""
        record = registry.quantizer(QuantizerSpec.model_validate(quantizer).name).record
        return not provider_of(record, registry).timed

    @pytest.fixture
    def weights(self, checkpoint: Checkpoint, precomputed: bool) -> Checkpoint:
        """The checkpoint, if it can be loaded; for precomputed embeddings, loading must raise an error of qbench."""
        if precomputed:
            with pytest.raises(QbenchError):
                checkpoint.load(device="cpu", dtype="float32")
            pytest.skip("the source has precomputed embeddings only, and loading says so")
        return checkpoint

    @pytest.fixture
    def pixels(self, checkpoint: Checkpoint) -> Any:
        """Images as the checkpoint wants them."""
        return tiny.pixels(size=checkpoint.preprocessing.geometry.size)

    # --- the record

    def test_the_record_says_what_a_user_chooses_by(self, entry: Entry[Any], precomputed: bool) -> None:
        """The record has one line per checkpoint, and names the distributions whose versions decide an embedding."""
        record = entry.record
        assert "/" not in record.name, "a name must not have a slash, which separates the source from the checkpoint"
        for name, about in record.checkpoints.items():
            assert isinstance(about, str), f"the checkpoint {name} has no line about it"
            assert "\n" not in about, f"the line about {name} has several lines"
        assert record.requires or precomputed, "requires is empty: name at least torch, or whatever runs the model"
        check_requires(record.requires)

    def test_locating_asks_no_network(self, planned: PlannedModel, monkeypatch: pytest.MonkeyPatch) -> None:
        """`locate` opens no connection: `qbench plan` calls it for every model of a spec."""

        def refuse(*args: Any, **kwargs: Any) -> Any:
            raise AssertionError("locate opens a connection")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        located = planned.entry.record.locate(planned.checkpoint, planned.options)
        assert isinstance(located, Located), f"locate returns a {type(located).__name__}"
        assert located.ready, f"the contract needs a checkpoint that is on this machine: {located.how_to_get}"
        assert located.where, "where is empty"

    # --- opening

    def test_the_identity_names_the_weights(self, checkpoint: Checkpoint, reopen: Callable[[], Checkpoint]) -> None:
        """The identity is the same each time, and its fingerprint, which is part of keys, is as long as a hash."""
        identity = checkpoint.identity
        assert isinstance(identity, Identity)
        assert all(asdict(identity).values()) or not identity.checkpoint, f"a part is empty: {identity}"
        assert len(identity.fingerprint) >= 32, f"the fingerprint {identity.fingerprint!r} is too short to be a hash"
        assert reopen().identity == identity, "the identity differs when the checkpoint is opened again"

    def test_the_fingerprint_follows_every_file(
        self,
        model: Any,
        planned: PlannedModel,
        registry: Registry,
        tmp_path: Path,
        checkpoint: Checkpoint,
        found_in: Path | None,
        deciding: Sequence[str],
        reopen: Callable[[], Checkpoint],
    ) -> None:
        """A change of any file that decides an embedding changes the fingerprint."""
        folder = found_in or Path(str(getattr(planned.options, "path", "")) or "/nowhere")
        if not folder.is_dir():
            pytest.skip("the checkpoint is not a folder: set the option path, or override the fixture found_in")
        if not deciding:
            pytest.skip("the fixture deciding names no files")
        names = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.name in deciding)
        assert names, f"{folder} has none of {', '.join(deciding)}: name the files in the fixture deciding"
        for name in names:
            said = f"the fingerprint does not cover {name}: a changed checkpoint would get stale results"
            if found_in is None:
                copied = shutil.copytree(folder, tmp_path / str(name).replace("/", "-"))
                spec = ModelSpec.model_validate({**model, "options": {**model["options"], "path": str(copied)}})
                other = plan_model(spec, registry)
                _alter(copied / name)
                opened = other.entry.record.open(other.checkpoint, other.options)
            else:
                before = (folder / name).read_bytes()
                _alter(folder / name)
                opened = reopen()
                (folder / name).write_bytes(before)
            assert opened.identity.fingerprint != checkpoint.identity.fingerprint, said
        assert reopen().identity == checkpoint.identity, "the files are as before, but the identity differs"

    def test_preprocessing_is_plain_data(self, checkpoint: Checkpoint) -> None:
        """The preprocessing is plain data: it is part of keys and results, and decides the decoded images."""
        found = checkpoint.preprocessing
        assert isinstance(found, Preprocessing)
        assert found.geometry.size > 0
        assert found.geometry.resize in ("shortest", "squash")
        assert found.geometry.interpolation in ("bicubic", "bilinear")
        assert len(found.mean) == len(found.std) == 3
        assert min(found.std) > 0, "a standard deviation is not above zero"
        json.dumps(asdict(found), allow_nan=False)

    def test_what_is_not_there_is_said_in_words(self, planned: PlannedModel, tmp_path: Path) -> None:
        """A path that does not exist raises an error of qbench, which the command line prints as a message."""
        from qbench.plugins.options import make_options, options_dict

        values = options_dict(planned.options)
        if "path" not in values:
            pytest.skip("the source has no option path")
        wrong = make_options(type(planned.options), {**values, "path": str(tmp_path / "nowhere")}, where="the test")
        with pytest.raises(QbenchError):
            planned.entry.record.open(planned.checkpoint, wrong)

    # --- loading

    @pytest.mark.parametrize("dtype", get_args(DType))
    def test_device_and_dtype_are_honoured(self, weights: Checkpoint, pixels: Any, dtype: DType) -> None:
        """The weights have the type that was asked for, and embeddings are float32; other types are refused."""
        if isinstance(weights, Limited) and dtype not in weights.dtypes:
            with pytest.raises(QbenchError):
                weights.load(device="cpu", dtype=dtype)
            return
        encoder = weights.load(device="cpu", dtype=dtype)
        embed(encoder, pixels)
        model = module_of(encoder)
        kinds = {str(p.dtype).removeprefix("torch.") for p in model.parameters() if p.dtype.is_floating_point}
        assert kinds == {dtype}, f"{dtype} was asked for, but parameters are {', '.join(sorted(kinds))}"
        assert {p.device.type for p in model.parameters()} == {"cpu"}, (
            "cpu was asked for, but parameters are on another device"
        )

    def test_embeddings_are_finite_and_float32(self, weights: Checkpoint, pixels: Any) -> None:
        """Embeddings of images and of texts of any length are ``(b, d)`` float32, finite and not zero."""
        embed(_load(weights), pixels)

    def test_the_same_comes_out_each_time(self, weights: Checkpoint, pixels: Any) -> None:
        """Two loads give embeddings that are equal bit for bit."""
        first, second = embed(_load(weights), pixels), embed(_load(weights), pixels)
        for a, b in zip(first, second, strict=True):
            assert np.array_equal(a, b), "two loads of the same checkpoint embed differently"

    def test_different_inputs_embed_differently(self, weights: Checkpoint, pixels: Any) -> None:
        """Different images, and different texts, have different embeddings."""
        for what, found in zip(("image", "text"), embed(_load(weights), pixels), strict=True):
            assert distance(found[:-1], found[1:]) > ORDER, f"every {what} has the same embedding"

    def test_an_embedding_does_not_depend_on_its_batch(self, weights: Checkpoint, pixels: Any) -> None:
        """The other items of a batch do not change an embedding: each text is cut or padded to the same length."""
        encoder = _load(weights)
        for what, a, b in zip(("image", "text"), embed(encoder, pixels), alone(encoder, pixels), strict=True):
            moved = distance(a, b)
            assert moved <= INVARIANT["float32"], (
                f"{what} embeddings change by {moved:.1e} when they are alone in their batch"
            )

    def test_two_encoders_share_no_weights(self, weights: Checkpoint, pixels: Any) -> None:
        """Two encoders have weights of their own, because a quantizer may change layers in place."""
        first, second = _load(weights), _load(weights)
        before = second.encode_images(pixels)
        for parameter in module_of(first).parameters():
            parameter.data.zero_()
        said = "two loads share their weights: a quantizer would get what another one has changed"
        assert np.array_equal(second.encode_images(pixels), before), said
        second.close()
        assert np.array_equal(_load(weights).encode_images(pixels), before), said

    def test_it_shows_its_layers_without_being_loaded(self, weights: Checkpoint) -> None:
        """If it is `Inspectable`, the skeleton has the layers of the loaded model, and weights are those on disk."""
        if not isinstance(weights, Inspectable):
            pytest.skip("the checkpoint is not Inspectable")
        model = module_of(_load(weights))
        assert set(layers.linears(weights.skeleton())) == set(layers.linears(model))
        for name, layer in layers.linears(model).items():
            stored = weights.weight(f"{name}.weight")
            assert stored is not None, f"{name}.weight is not found"
            assert np.array_equal(stored, layer.weight.detach().float().cpu().numpy()), (
                f"{name}.weight differs from the loaded one"
            )
        assert weights.weight("no.such.weight") is None
        assert weights.disk_bytes() > 0

    def test_it_runs_and_its_results_are_read_back(
        self,
        model: Any,
        quantizer: Any,
        registry: Registry,
        planned: PlannedModel,
        benchmark: dict[str, Any],
        tmp_path: Path,
    ) -> None:
        """A complete run of eight images: cells, metrics and items are read back from JSON and Parquet."""
        from qbench.results import load

        spec = {
            "name": "contract",
            "models": [model],
            "quantizers": [quantizer],
            "baseline": plan_quantizer(QuantizerSpec.model_validate(quantizer), "cpu", registry).label,
            "benchmarks": [benchmark],
            "batch_size": 4,
        }
        done = execute(read_spec(spec), tmp_path / "run", registry=registry, cache=Cache(tmp_path / "cache"))
        results = load(tmp_path / "run")
        assert done.failed == 0, results.cells["error"].tolist()
        assert set(results.items["model"]) == {planned.label}


def _load(checkpoint: Checkpoint) -> Encoder:
    return encoder_of(checkpoint.load(device="cpu", dtype="float32"))


def _alter(file: Path) -> None:
    """Change one byte, or add one to a JSON file, which remains valid."""
    content = bytearray(file.read_bytes())
    if file.suffix == ".json":
        content += b"\n"
    else:
        content[-1] ^= 1
    file.write_bytes(content)
