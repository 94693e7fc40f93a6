"""A folder of embeddings as a variant: what it declares is said of it, and it is of the model that it is beside."""

import json

import pytest

from qbench.api import Checkpoint, Context, ModelError, NamedEncoder, QuantizationError
from qbench.api.probes import folder_name
from qbench.plugins.registry import installed
from qbench_embeddings.manifest import read_manifest


@pytest.fixture
def source():
    return installed().model("embeddings").record


@pytest.fixture
def opened(source, phone):
    return source.open("mine", source.options(path=str(phone)))


@pytest.fixture
def build(opened):
    """Build a variant: of the folder's own model if no other is given."""

    def make(checkpoint=opened, **options):
        record = installed().quantizer("embeddings").record
        return record.build(checkpoint, Context(device="cpu"), record.options(**options))

    return make


def change(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_variant_is_what_its_manifest_declares(build):
    variant = build(variant="int8")
    coverage = variant.coverage
    assert (coverage.declared, coverage.total_parameters, coverage.model_bytes, coverage.disk_bytes) == (
        *(True, 500, None, 700),
    )
    assert (coverage.share(), coverage.share("image"), coverage.bits_per_weight) == (0.75, 1.0, 10.0)
    assert coverage.layers[0].kind == "declared"
    assert (variant.dtype, variant.kind, variant.control) == ("float16", "quantization", "embeddings")
    assert variant.numerics == "declared: a runtime 1.2 on a phone"
    assert variant.note.endswith("; the head runs in 16 bit")


def test_an_export_with_nothing_quantized_is_a_control_arm(build):
    variant = build(variant="fp32")
    assert (variant.kind, variant.control, variant.note, variant.coverage.share()) == ("control", "", "", 0.0)


def test_embeddings_are_looked_up_by_benchmark_and_id(build):
    encoder = build(variant="int8").encoder
    assert isinstance(encoder, NamedEncoder)
    assert encoder.find_images("toys", ["b.jpg#xywh=1,2,3.5,4"]).tolist() == [[0.0, -1.0, 0.5]]
    assert encoder.find_texts("toys", ["zwei\nZeilen"]).tolist() == [[0.25, 0.5, 0.125]]
    with pytest.raises(ModelError, match=r"other-toys-\w{6}: there is neither images\.parquet"):
        encoder.find_images("other toys", ["a.jpg"])
    with pytest.raises(QuantizationError, match="there is no model to run"):
        encoder.encode_texts(["a photo of a cat"])
    encoder.close()


def test_a_model_that_never_runs_here_is_its_declared_weights(source, phone, opened):
    before = opened.identity.fingerprint
    change(phone / "int8", numerics="a runtime 1.3 on a phone")
    assert source.open("mine", source.options(path=str(phone))).identity.fingerprint != before
    change(phone / "int8", weights="abc")
    assert source.open("mine", source.options(path=str(phone))).identity.fingerprint == "abc"
    change(phone / "fp32", weights="abd")
    with pytest.raises(ModelError, match="fp32 and int8 are of different weights"):
        source.open("mine", source.options(path=str(phone)))


@pytest.mark.parametrize("quantizer", ["fp32", "hf-int8", "torch-int8", "prune-magnitude"])
def test_there_are_no_weights_for_any_other_quantizer(opened, quantizer):
    record = installed().quantizer(quantizer).record
    with pytest.raises(ModelError, match=r"embeddings only(.|\n)*each of its variants: fp32, int8"):
        record.build(opened, Context(device="cpu"), record.options())


def test_a_folder_that_is_missing_says_what_to_make(source, tmp_path, build, phone):
    for options, message in (
        (source.options(), "no path is given"),
        (source.options(path=str(tmp_path)), "no folder with a manifest"),
    ):
        located = source.locate("mine", options)
        assert not located.ready
        assert "qbench embeddings list" in located.how_to_get
        with pytest.raises(ModelError, match=message):
            source.open("mine", options)
    assert source.locate("mine", source.options(path=str(phone))).ready
    for options in ({"variant": "int4"}, {}):
        with pytest.raises(ModelError, match=r"no manifest\.json \(variants there: fp32, int8\)"):
            build(**options)


class Real:
    """A checkpoint of another source."""

    def __init__(self, opened, **identity):
        from dataclasses import replace

        self.identity = replace(opened.identity, source="hub", checkpoint="owner/name", **identity)
        self.preprocessing = opened.preprocessing


def test_a_path_serves_several_models(build, opened, tmp_path, phone):
    real: Checkpoint = Real(opened)
    with pytest.raises(ModelError, match="needs the option path"):
        build(real)
    (tmp_path / f"hub-{folder_name('owner/name')}").symlink_to(phone)
    assert build(real, path=str(tmp_path / "{source}-{checkpoint}"), variant="int8").kind == "quantization"
    assert build(real, path=str(phone / "int8")).kind == "quantization"


def test_embeddings_of_other_weights_or_another_preprocessing_are_refused(build, opened, phone):
    change(phone / "int8", weights="0123456789abcdef")
    with pytest.raises(ModelError, match="of the weights 0123456789ab…, the model is"):
        build(variant="int8")
    assert build(Real(opened, fingerprint="0123456789abcdef"), path=str(phone), variant="int8").kind == "quantization"
    preprocessing = read_manifest(phone / "fp32").model_dump()["preprocessing"]
    change(phone / "int8", weights="", preprocessing=preprocessing | {"geometry": {"size": 8, "resize": "squash"}})
    with pytest.raises(ModelError, match="not preprocessed as the model expects"):
        build(variant="int8")
    change(phone / "int8", preprocessing=preprocessing | {"mean": [0.5, 0.5, 0.5]})
    with pytest.raises(ModelError, match="not preprocessed as the model expects"):
        build(variant="int8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "format: Input should be 1"),
        ({"format": True}, "format: .*it is True, and not the number 1"),
        ({"numerics": ""}, "numerics: String should have at least 1 character"),
        ({"dimension": 0}, "dimension: Input should be greater than"),
        ({"dtype": "int8"}, "dtype: Input should be 'float32'"),
        ({"nummerics": "x"}, "nummerics: Extra inputs"),
        ({"coverage": {"layers": [], "total_parameters": 5}}, "coverage.layers: Tuple should have at least 1"),
        ({"kind": "control"}, "a control arm quantizes nothing, but a layer is declared quantized"),
        ({"preprocessing": {}}, "preprocessing.geometry: Field required"),
    ],
)
def test_a_manifest_that_says_too_little_or_too_much_is_refused(phone, changes, message):
    change(phone / "int8", **changes)
    with pytest.raises(ModelError, match=message) as error:
        read_manifest(phone / "int8")
    assert error.value.where.endswith("manifest.json")


def test_no_coverage_is_an_error_unless_it_is_a_control(phone):
    change(phone / "fp32", kind="quantization")
    with pytest.raises(ModelError, match='an unquantized export is kind = "control"'):
        read_manifest(phone / "fp32")


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[1]", b"[" * 100_000])
def test_a_damaged_manifest_is_named(phone, content):
    (phone / "int8" / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"int8.manifest\.json"):
        read_manifest(phone / "int8")


def test_what_decides_a_variant_is_its_folder_and_never_one_without_a_manifest(opened, phone, tmp_path, monkeypatch):
    record = installed().quantizer("embeddings").record
    monkeypatch.chdir(phone)

    def content(checkpoint, **options):
        return record.files(checkpoint, record.options(**options))

    assert content(opened, variant="int8") == [phone / "int8"]
    assert content(Real(opened), path=str(phone), variant="int8") == [phone / "int8"]
    real = Real(opened)
    real.folder = phone / "int8"  # where a model's own weights would lie
    assert content(real) == []
    assert content(real, variant="int8") == []
    assert content(real, path=str(tmp_path)) == []
