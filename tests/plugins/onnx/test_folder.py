"""Folders with exported graphs: opened as a model source, compared with torch, with variants and with what is wrong."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from qbench.api import Context, ModelError, QuantizationError
from qbench.testing import ModelSourceContract, QuantizerContract, tiny
from qbench.testing.embedding import embed

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

INPUTS = {"vision_model": ("pixel_values",), "text_model": ("input_ids", "attention_mask")}
OUTPUTS = {"vision_model": "image_embeds", "text_model": "text_embeds"}
PRODUCTS = ["MatMul", "Gemm"]


def write_small_files(clip: Path, folder: Path) -> Path:
    """Copy everything but the weights."""
    folder.mkdir(parents=True)
    for path in clip.iterdir():
        if path.is_file() and path.suffix != ".safetensors":
            shutil.copyfile(path, folder / path.name)
    return folder


def write_transformers_js(clip: Path, folder: Path) -> Path:
    """Write ``onnx/vision_model.onnx``, ``onnx/text_model.onnx`` and all variants of both."""
    write_small_files(clip, folder)
    place = folder / "onnx"
    place.mkdir()
    _export(clip, place)
    for name in INPUTS:
        _write_variants(place / f"{name}.onnx")
    return folder


def write_optimum(source: Path, folder: Path) -> Path:
    """Write ``model.onnx`` and ``model_quantized.onnx``, with both towers in one graph, of what that has written."""
    write_small_files(source, folder)
    for suffix, target in (("", ""), ("_int8", "_quantized")):
        towers = []
        for name in INPUTS:
            graph = onnx.load(source / "onnx" / f"{name}{suffix}.onnx")
            towers.append(onnx.compose.add_prefix(graph, f"{name}-", rename_inputs=False, rename_outputs=False))
        onnx.save(onnx.compose.merge_models(*towers, io_map=[]), folder / f"model{target}.onnx")
    return folder


def _export(clip: Path, place: Path) -> None:
    import torch
    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(clip).eval()

    class Vision(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, pixel_values):
            return model.get_image_features(pixel_values=pixel_values).pooler_output

    class Text(Vision):
        def forward(self, input_ids, attention_mask):
            return model.get_text_features(input_ids=input_ids, attention_mask=attention_mask).pooler_output

    size = model.config.vision_config.image_size
    tokens = torch.zeros(2, model.config.text_config.max_position_embeddings, dtype=torch.long)
    examples = {"vision_model": (torch.zeros(2, 3, size, size),), "text_model": (tokens, torch.ones_like(tokens))}
    for name, module in (("vision_model", Vision()), ("text_model", Text())):
        names = [*INPUTS[name], OUTPUTS[name]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the older exporter, which these layouts come from, is deprecated
            torch.onnx.export(
                module,
                examples[name],
                place / f"{name}.onnx",
                dynamo=False,
                input_names=list(INPUTS[name]),
                output_names=[OUTPUTS[name]],
                dynamic_axes={x: {0: f"{name}_batch"} for x in names},
                opset_version=17,
            )


def _write_variants(plain: Path) -> None:
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_dynamic,
        quantize_static,
    )
    from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    from onnxruntime.transformers.float16 import convert_float_to_float16

    from qbench_onnx.quiet import quietly

    class Once(CalibrationDataReader):
        def __init__(self, example):
            self.left = [example]

        def get_next(self):
            return self.left.pop() if self.left else None

    def named(suffix):
        return plain.with_name(f"{plain.stem}_{suffix}.onnx")

    def four_bits():
        made = MatMulNBitsQuantizer(onnx.load(plain), block_size=32, is_symmetric=False)
        made.process()
        return made.model.model

    with quietly():
        onnx.save(convert_float_to_float16(onnx.load(plain), keep_io_types=False), named("fp16"))
        for suffix, kind in (("int8", QuantType.QInt8), ("uint8", QuantType.QUInt8)):
            quantize_dynamic(plain, named(suffix), weight_type=kind, op_types_to_quantize=PRODUCTS)
        onnx.save(four_bits(), named("q4"))
        onnx.save(convert_float_to_float16(four_bits(), keep_io_types=True), named("q4f16"))
        made = MatMulBnb4Quantizer(onnx.load(plain), MatMulBnb4Quantizer.NF4, 32)
        made.process()
        onnx.save(made.model.model, named("bnb4"))
        rng = np.random.default_rng(0)
        examples = {
            "vision_model": {"pixel_values": rng.normal(size=(2, 3, 32, 32)).astype(np.float32)},
            "text_model": {
                "input_ids": rng.integers(0, 60, (2, 16)),
                "attention_mask": np.ones((2, 16), dtype=np.int64),
            },
        }[plain.stem]
        quantize_static(
            plain,
            named("quantized"),
            Once(examples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=PRODUCTS,
            per_channel=True,
            extra_options={"MatMulConstBOnly": True},
        )


VARIANTS = ("fp16", "int8", "uint8", "q4", "q4f16", "bnb4", "quantized")


@pytest.fixture(scope="module")
def transformers_js(small_clip, tmp_path_factory):
    """Do not change it."""
    return write_transformers_js(small_clip, tmp_path_factory.mktemp("exported") / "transformers.js")


@pytest.fixture(scope="module")
def optimum(transformers_js, tmp_path_factory):
    """Do not change it."""
    return write_optimum(transformers_js, tmp_path_factory.mktemp("exported") / "optimum")


@pytest.fixture
def copy(transformers_js, tmp_path):
    """One that may be changed."""
    return shutil.copytree(transformers_js, tmp_path / "copy")


@pytest.fixture
def wanted(small_clip, open_clip_source):
    """What torch computes."""
    return embed(open_clip_source(small_clip).load(device="cpu", dtype="float32"), tiny.pixels())


def opened(folder, **options):
    from qbench_onnx.folder_checkpoint import open_folder
    from qbench_onnx.options import FolderOptions

    return open_folder("ours", FolderOptions(path=str(folder), **options))


def built(folder, variant):
    from qbench_onnx.folder_checkpoint import build_variant
    from qbench_onnx.options import VariantOptions

    return build_variant(opened(folder), Context(device="cpu"), VariantOptions(variant=variant))


def as_spec(folder, source="onnx-folder"):
    return {"source": source, "checkpoint": "ours", "options": {"path": str(folder)}}


class TestSource(ModelSourceContract):
    @pytest.fixture(params=["onnx-folder"])
    def source(self, request):
        return request.param

    @pytest.fixture(params=["transformers_js", "optimum"])
    def model(self, request, source):
        return as_spec(request.getfixturevalue(request.param), source)

    @pytest.fixture
    def deciding(self):
        return (*tiny.DECIDING, "vision_model.onnx", "text_model.onnx", "model.onnx")


class TestVariant(QuantizerContract):
    @pytest.fixture
    def model(self, transformers_js):
        return as_spec(transformers_js)

    @pytest.fixture(params=[{"name": "onnx-folder", "options": {"variant": "int8"}}])
    def quantizer(self, request):
        return request.param


# --- what is computed


def test_both_layouts_compute_what_torch_computes(transformers_js, optimum, tmp_path, wanted):
    root = write_small_files(transformers_js, tmp_path / "root")  # Optimum's other layout: two graphs, no folder onnx
    for name in INPUTS:
        shutil.copyfile(transformers_js / "onnx" / f"{name}.onnx", root / f"{name}.onnx")
    for folder in (transformers_js, optimum, root):
        found = embed(opened(folder).load(device="cpu", dtype="float32"), tiny.pixels())
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


def test_both_layouts_have_the_same_variant(transformers_js, optimum):
    one, other = built(transformers_js, "int8"), built(optimum, "quantized")
    assert [x.error for x in one.coverage.layers] == [x.error for x in other.coverage.layers]
    assert [x.tower for x in one.coverage.layers] == [x.tower for x in other.coverage.layers]
    for a, b in zip(embed(one.encoder, tiny.pixels()), embed(other.encoder, tiny.pixels()), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


# --- coverage


@pytest.mark.parametrize(
    ("variant", "dtype", "control", "kind", "bits", "error"),
    [
        ("fp32", "float32", "", "MatMul", 32, (0, 0)),
        ("fp16", "float16", "", "MatMul", 16, (1e-5, 1e-3)),
        ("int8", "float32", "fp32", "MatMulInteger", 8 + 8 * 5 / 4096, (1e-3, 0.02)),  # one scale and zero point
        ("uint8", "float32", "fp32", "MatMulInteger", 8 + 8 * 5 / 4096, (1e-3, 0.02)),
        ("q4", "float32", "fp32", "MatMulNBits", 4 + (32 + 4) / 32, (0.05, 0.1)),  # for each block of 32 weights
        ("q4f16", "float16", "onnx-folder", "MatMulNBits", 4 + (16 + 4) / 32, (0.05, 0.1)),
        ("bnb4", "float32", "fp32", "MatMulBnb4", 4 + 32 / 32, None),
        ("quantized", "float32", "fp32", "MatMul of QDQ", 8 + 8 * 5 / 64, (1e-3, 0.01)),  # for each of 64 outputs
    ],
)
def test_coverage_is_read_from_the_graphs(transformers_js, variant, dtype, control, kind, bits, error):
    made = built(transformers_js, variant)
    quantized = variant not in ("fp32", "fp16")
    assert (made.dtype, made.control, made.kind) == (dtype, control, "quantization" if quantized else "control")
    layers = {layer.name: layer for layer in made.coverage.layers}
    assert len(layers) == 14
    layer = layers["vision_model.encoder.layers.0.self_attn.k_proj"]
    assert (layer.tower, layer.parameters, layer.kind, layer.quantized) == ("image", 4096, kind, quantized)
    assert layer.bits == pytest.approx(bits)
    assert layer.reason == ("" if quantized else f"stored as {dtype}")
    assert layers["text_projection"].tower == "text"
    for found in layers.values():
        assert found.error is None if error is None else error[0] <= found.error <= error[1]


def test_the_weights_of_packed_numbers_are_those_that_onnx_runtime_multiplies_by(transformers_js):
    import onnxruntime

    from qbench_onnx.folder_coverage import read_facts

    paths = [transformers_js / "onnx" / f"{name}_q4.onnx" for name in INPUTS]
    product = next(x for x in read_facts(paths).products if x.name.endswith("fc2_Q4") or "fc2" in x.name)
    graph = onnx.load(paths[0])
    node = next(node for node in graph.graph.node if node.input[1:2] == [product.weights])
    shape = product.effective().shape
    tensors = [tensor for tensor in graph.graph.initializer if tensor.name in node.input]
    node.input[0], node.output[0] = "x", "y"
    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [None, None]) for n in "xy")
    alone = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", [x], [y], tensors), opset_imports=graph.opset_import, ir_version=10
    )
    run = onnxruntime.InferenceSession(alone.SerializeToString(), providers=["CPUExecutionProvider"])
    found = run.run(None, {"x": np.eye(shape[0], dtype=np.float32)})[0]
    np.testing.assert_allclose(product.effective(), found, atol=1e-6)


def test_a_layer_in_an_unknown_operator_is_an_error(copy):
    path = copy / "onnx" / "text_model_int8.onnx"
    graph = onnx.load(path)
    next(node for node in graph.graph.node if node.op_type == "MatMulInteger").op_type = "Unknown"
    onnx.save(graph, path)
    with pytest.raises(QuantizationError, match="of the 7 Linear layers of the text tower 6 can be found"):
        built(copy, "int8")


def test_a_variant_in_which_nothing_is_quantized_is_an_error(copy):
    for name in INPUTS:
        shutil.copyfile(copy / "onnx" / f"{name}.onnx", copy / "onnx" / f"{name}_int8.onnx")
    with pytest.raises(QuantizationError, match="no Linear layer is quantized in the variant 'int8'"):
        built(copy, "int8")


# --- the folder


def test_the_variants_are_those_that_are_there(copy, optimum):
    from qbench_onnx.folder_layout import find_layout

    assert find_layout(copy).variants() == ["fp32", *VARIANTS]
    assert find_layout(optimum).variants() == ["fp32", "quantized"]
    (copy / "onnx" / "text_model_q4.onnx").unlink()
    assert "q4" not in find_layout(copy).variants()
    with pytest.raises(ModelError, match=r"no variant 'q4': there is no text_model_q4.onnx(.|\n)*fp32, fp16, int8"):
        built(copy, "q4")
    with pytest.raises(ModelError, match="'int3' is not a variant: the names are fp32, fp16"):
        built(copy, "int3")


def test_without_single_precision_the_files_that_were_looked_for_are_named(copy):
    from qbench_onnx.folder_layout import locate

    (copy / "onnx" / "text_model.onnx").unlink()
    pairs = [f"{place}vision_model.onnx with {place}text_model.onnx, or {place}model.onnx" for place in ("onnx/", "")]
    with pytest.raises(ModelError, match=f"looked for {', or '.join(pairs)}"):
        opened(copy)
    located = locate(str(copy))
    assert not located.ready
    assert pairs[0] in located.how_to_get


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("onnx/text_model.onnx", b"no graph", "cannot be read"),
        ("onnx/text_model.onnx", b"", "has no input 'input_ids'"),
        ("onnx/text_model.onnx", b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        ("config.json", b'{"model_type": "siglip"}', "'siglip', not 'clip'"),
        ("preprocessor_config.json", b"{", "preprocessor_config.json"),
        ("merges.txt", None, "the tokenizer is missing"),
    ],
)
def test_damaged_and_missing_files_are_named(copy, name, content, said):
    (copy / name).unlink() if content is None else (copy / name).write_bytes(content)
    with pytest.raises(ModelError, match=said):
        opened(copy)


@pytest.mark.parametrize(
    ("renamed", "said"),
    [
        ("pixel_values", "no input 'pixel_values', which the image tower needs; it has other"),
        ("image_embeds", "no output 'image_embeds', which the image tower needs; it has other"),
    ],
)
def test_inputs_and_outputs_are_found_by_name(copy, renamed, said):
    path = copy / "onnx" / "vision_model.onnx"
    graph = onnx.load(path)
    next(x for x in (*graph.graph.input, *graph.graph.output) if x.name == renamed).name = "other"
    onnx.save(graph, path)
    with pytest.raises(ModelError, match=said):
        opened(copy)


def test_an_input_that_is_not_known_is_refused(copy):
    path = copy / "onnx" / "text_model.onnx"
    graph = onnx.load(path)
    graph.graph.input.append(onnx.helper.make_tensor_value_info("position_ids", onnx.TensorProto.INT64, ["b", 16]))
    onnx.save(graph, path)
    with pytest.raises(ModelError, match="needs the input 'position_ids', which qbench does not know"):
        opened(copy)


def test_custom_operators_are_not_loaded(copy):
    path = copy / "onnx" / "vision_model.onnx"
    graph = onnx.load(path)
    graph.graph.node[0].domain = "my.operators"
    graph.opset_import.append(onnx.helper.make_opsetid("my.operators", 1))
    onnx.save(graph, path)
    with pytest.raises(QuantizationError, match=r"cannot load the graph vision_model\.onnx"):
        opened(copy).load(device="cpu", dtype="float32")


def external(path):
    graph = onnx.load(path)
    path.unlink()
    onnx.save(graph, path, save_as_external_data=True, location=f"{path.name}_data", size_threshold=0)
    return path.with_name(f"{path.name}_data")


def test_external_data_are_read_and_fingerprinted(copy, transformers_js):
    from qbench_onnx.folder_checkpoint import content
    from qbench_onnx.options import VariantOptions

    data = external(copy / "onnx" / "vision_model.onnx")
    checkpoint = opened(copy)
    found, wanted = (opened(x).load(device="cpu", dtype="float32") for x in (copy, transformers_js))
    np.testing.assert_array_equal(found.encode_images(tiny.pixels()), wanted.encode_images(tiny.pixels()))
    changed = bytearray(data.read_bytes())
    changed[-1] ^= 1
    data.write_bytes(changed)
    assert opened(copy).identity.fingerprint != checkpoint.identity.fingerprint
    data.unlink()
    with pytest.raises(ModelError, match=r"the external data of vision_model\.onnx are missing"):
        opened(copy)
    other = external(copy / "onnx" / "text_model_q4.onnx")
    assert other in content(checkpoint, VariantOptions(variant="q4"))


def add_external(graph, where, name):
    """Let a graph add the four zeros of a file to what it has, from a tensor of the given kind."""
    tensor = onnx.TensorProto(name="more", data_type=onnx.TensorProto.FLOAT, dims=[1], data_location=1)
    tensor.external_data.add(key="location", value=name)
    sparse = onnx.SparseTensorProto(values=tensor, dims=[1])
    sparse.indices.CopyFrom(onnx.helper.make_tensor("at", onnx.TensorProto.INT64, [1], [0]))
    last = next(node for node in graph.graph.node if "image_embeds" in node.output)
    last.output[list(last.output).index("image_embeds")] = "before"
    if where == "a sparse initializer":
        graph.graph.sparse_initializer.append(sparse)
    elif where == "a sparse constant":
        graph.graph.node.append(onnx.helper.make_node("Constant", [], ["more"], sparse_value=sparse))
    add = onnx.helper.make_node("Add", ["before", "more"], ["image_embeds"])
    if where == "a function":
        constant = onnx.helper.make_node("Constant", [], ["more"], value=tensor)
        made = onnx.helper.make_function(
            "own", "More", ["before"], ["image_embeds"], [constant, add], graph.opset_import
        )
        graph.functions.append(made)
        graph.opset_import.append(onnx.helper.make_opsetid("own", 1))
        add = onnx.helper.make_node("More", ["before"], ["image_embeds"], domain="own")
    graph.graph.node.append(add)


@pytest.mark.parametrize("where", ["a sparse initializer", "a sparse constant", "a function"])
def test_external_data_are_fingerprinted_wherever_a_graph_names_them(copy, where):
    path = copy / "onnx" / "vision_model.onnx"
    graph = onnx.load(path)
    add_external(graph, where, "more.bin")
    onnx.save(graph, path)
    found, embeddings = [], []
    for value in (0.0, 1.0):
        np.array([value], dtype=np.float32).tofile(path.with_name("more.bin"))
        checkpoint = opened(copy)
        found.append(checkpoint.identity.fingerprint)
        embeddings.append(checkpoint.load(device="cpu", dtype="float32").encode_images(tiny.pixels()))
    assert not np.array_equal(*embeddings)
    assert found[0] != found[1]
    path.with_name("more.bin").unlink()
    with pytest.raises(ModelError, match=r"the external data of vision_model\.onnx are missing"):
        opened(copy)


def test_the_layers_of_functions_are_seen(copy, transformers_js):
    from qbench_onnx.folder_coverage import read_facts

    path = copy / "onnx" / "vision_model.onnx"
    graph = onnx.load(path)
    last = next(node for node in reversed(graph.graph.node) if node.op_type in ("MatMul", "Gemm"))
    graph.functions.append(
        onnx.helper.make_function(
            "own", "Last", list(last.input), list(last.output), [copied(last)], list(graph.opset_import)
        )
    )
    last.op_type, last.domain = "Last", "own"
    del last.attribute[:]
    graph.opset_import.append(onnx.helper.make_opsetid("own", 1))
    onnx.save(graph, path)
    seen, wanted = (
        read_facts([folder / "onnx" / "vision_model.onnx", folder / "onnx" / "text_model.onnx"]).products
        for folder in (copy, transformers_js)
    )
    assert [(product.weights, product.parameters) for product in seen] == [
        (product.weights, product.parameters) for product in wanted
    ]


def copied(node):
    made = onnx.NodeProto()
    made.CopyFrom(node)
    return made


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "a/../../b", "..\\secret", "C:\\secret"])
def test_external_data_outside_the_folder_are_refused(copy, location):
    path = copy / "onnx" / "text_model.onnx"
    external(path)
    graph = onnx.load(path, load_external_data=False)
    for entry in graph.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = location
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match="external data outside its folder"):
        opened(copy)


def test_external_data_behind_a_symbolic_link_are_refused(copy, tmp_path):
    path = copy / "onnx" / "text_model.onnx"
    data = external(path)
    shutil.move(data, tmp_path / "elsewhere")
    data.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=r"text_model\.onnx are behind a symbolic link(.|\n)*hf download --local-dir"):
        opened(copy)
    data.unlink()
    (tmp_path / "folder").mkdir()
    shutil.move(tmp_path / "elsewhere", tmp_path / "folder" / data.name)
    (path.parent / "linked").symlink_to(tmp_path / "folder")
    graph = onnx.load(path, load_external_data=False)
    for tensor in graph.graph.initializer:
        next(entry for entry in tensor.external_data if entry.key == "location").value = f"linked/{data.name}"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match="behind a symbolic link"):
        opened(copy)


def test_the_options_of_the_runtime_are_part_of_the_identity(transformers_js):
    plain = opened(transformers_js).identity
    assert opened(transformers_js, optimization="disabled").identity.fingerprint != plain.fingerprint
    assert (plain.source, plain.checkpoint, plain.revision) == ("onnx-folder", "ours", "local")


def test_other_models_types_and_devices_are_refused(transformers_js, small_clip, open_clip_source):
    from qbench_onnx.folder_checkpoint import build_variant, content
    from qbench_onnx.options import VariantOptions

    checkpoint = opened(transformers_js)
    with pytest.raises(ModelError, match="cannot be loaded in float16"):
        checkpoint.load(device="cpu", dtype="float16")
    with pytest.raises(ModelError, match="cuda was asked for"):
        checkpoint.load(device="cuda", dtype="float32")
    other = open_clip_source(small_clip)
    assert content(other, VariantOptions()) == []
    with pytest.raises(ModelError, match="for models of the source 'onnx-folder' only"):
        build_variant(other, Context(device="cpu"), VariantOptions())


def test_without_the_extra_the_source_is_listed_and_refused_with_the_command_that_installs_it(monkeypatch):
    import qbench_onnx
    from qbench.api import InputError
    from qbench.cli.listing import _summary
    from qbench.execution.plan import plan_model
    from qbench.plugins.registry import Entry, Plugin, Registry
    from qbench.spec.model import ModelSpec

    monkeypatch.setattr(qbench_onnx, "find_spec", lambda package: None)
    (record,) = qbench_onnx.qbench_models()
    assert _summary(record).endswith("(to use it: pip install 'qbench-vlm[onnx]')")
    plugin = Plugin(name="onnx", module="qbench_onnx", distribution="qbench-vlm", version="1")
    registry = Registry(plugins=[plugin])
    registry.entries["qbench_models"].append(Entry(plugin=plugin, record=record))
    with pytest.raises(InputError, match=r"'onnx-folder' needs packages(.|\n)*pip install 'qbench-vlm\[onnx\]'"):
        plan_model(ModelSpec.model_validate(as_spec("/nowhere")), registry)
