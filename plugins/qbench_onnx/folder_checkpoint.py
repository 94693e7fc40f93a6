"""Opens a folder with exported graphs as a checkpoint, and its other graphs as variants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qbench.api import Context, Coverage, DType, Identity, ModelError, Preprocessing, QuantizationError, Variant
from qbench.api.models import Checkpoint, file_digests, key_of
from qbench.api.quantizers import CONTROL_ARMS
from qbench_clip.family import CLIP
from qbench_onnx.folder_coverage import layers_of, read_facts
from qbench_onnx.folder_encoder import FolderEncoder
from qbench_onnx.folder_graphs import check_names, files_of, read_graph
from qbench_onnx.folder_layout import BASELINE, Layout, find_layout, graphs_of
from qbench_onnx.options import FolderOptions, VariantOptions
from qbench_onnx.towers import TOWERS
from qbench_transformers.find import small_files
from qbench_transformers.fingerprint import check_content
from qbench_transformers.folder import said_as_errors_of_models
from qbench_transformers.preprocessing import read_preprocessing
from qbench_transformers.tokenizer import check_texts, check_tokenizer_files, load_tokenizer

NAME = "onnx-folder"


class FolderCheckpoint:
    """An exported CLIP: its graphs in single precision, and the variants beside them; see `qbench.api.Checkpoint`.

    Parameters
    ----------
    layout : Layout
        Where the graphs are.
    identity : Identity
        The identity of the graphs in single precision, with the files and options that decide an embedding.
    preprocessing : Preprocessing
        The preprocessing of the folder.
    options : FolderOptions
        How ONNX Runtime runs all graphs of the folder.
    """

    dtypes: tuple[DType, ...] = ("float32",)

    def __init__(
        self, layout: Layout, identity: Identity, preprocessing: Preprocessing, options: FolderOptions
    ) -> None:
        self.layout, self.folder = layout, layout.folder
        self.identity, self.preprocessing, self.options = identity, preprocessing, options

    def load(self, *, device: str, dtype: DType, quantization_config: Any = None) -> FolderEncoder:
        """Load the graphs in single precision, or those of the variant that `quantization_config` names.

        Raises
        ------
        ModelError
            Another type or device is asked for, or files are missing, damaged or do not belong together.
        QuantizationError
            ONNX Runtime cannot load a graph.
        """
        import transformers

        if dtype not in self.dtypes:
            raise ModelError(
                f"the graphs cannot be loaded in {dtype}",
                where=str(self.folder),
                fix=f'Use the quantizer "{NAME}" with a variant that is there: {", ".join(self.layout.variants())}.',
            )
        if device != "cpu":
            raise ModelError(
                f"ONNX Runtime gets its inputs on the CPU, and {device} was asked for",
                where=str(self.folder),
                fix='Set device = "cpu"; the option provider of the model says where the graphs run.',
            )
        graphs = graphs_of(self.layout, quantization_config or BASELINE)
        for tower, path in zip(TOWERS, graphs, strict=True):
            check_names(read_graph(path), tower, path)
        with said_as_errors_of_models(self.folder):
            config = transformers.AutoConfig.from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )
            tokenizer = load_tokenizer(self.folder)
            length = int(config.text_config.max_position_embeddings)
        check_texts(tokenizer, config, CLIP.end_of, where=str(self.folder))
        return FolderEncoder(graphs, tokenizer, length, self.preprocessing, self.options)


def open_folder(checkpoint: str, options: FolderOptions) -> FolderCheckpoint:
    """Open an exported CLIP.

    Raises
    ------
    ModelError
        Files are missing, damaged or of another architecture, or there are no graphs in single precision.
    """
    if not options.path:
        raise ModelError("no path is given", fix="Set the option path to the folder of the exported model.")
    folder = Path(options.path).expanduser()
    layout = find_layout(folder)
    CLIP.check(folder / "config.json")
    check_tokenizer_files(folder, CLIP.tokenizer)
    graphs = graphs_of(layout, BASELINE)
    for tower, path in zip(TOWERS, graphs, strict=True):
        check_names(read_graph(path), tower, path)
    small = small_files(folder)
    for path in small:
        check_content(path)
    files = [*_with_data(graphs), *small]
    digests = zip((path.relative_to(folder).as_posix() for path in files), file_digests(files), strict=True)
    runtime = {name: value for name, value in asdict(options).items() if name != "path"}
    identity = Identity(
        source=NAME,
        checkpoint=checkpoint,
        architecture=f"{CLIP.architecture} in ONNX",
        revision="local",
        fingerprint=key_of({"files": dict(digests), "runtime": runtime}),
    )
    return FolderCheckpoint(layout, identity, read_preprocessing(folder), options)


def build_variant(checkpoint: Checkpoint, context: Context, options: VariantOptions) -> Variant:
    """Load the graphs of one variant of a folder, and read its coverage from them.

    Raises
    ------
    ModelError
        The checkpoint is of another source, or the folder has no such variant, or its files are damaged.
    QuantizationError
        ONNX Runtime cannot load the graphs, or the variant is said to be quantized and no Linear layer is.
    """
    folder = _checked(checkpoint)
    graphs = graphs_of(folder.layout, options.variant)
    original = read_facts(graphs_of(folder.layout, BASELINE))
    facts = original if options.variant == BASELINE else read_facts(graphs)
    layers = layers_of(facts, original)
    quantized = any(layer.quantized for layer in layers)
    if not quantized and options.variant not in (BASELINE, "fp16"):
        raise QuantizationError(
            f"no Linear layer is quantized in the variant {options.variant!r}", where=", ".join(map(str, graphs))
        )
    return Variant(
        encoder=folder.load(device=context.device, dtype="float32", quantization_config=options.variant),
        coverage=Coverage(
            layers=layers,
            total_parameters=0,  # a graph does not tell parameters from other constants
            model_bytes=facts.nbytes,
            disk_bytes=sum(path.stat().st_size for path in _with_data(graphs)),
        ),
        dtype=facts.dtype,
        # In single precision it is the folder's own model; in half precision, its variant fp16.
        control=(CONTROL_ARMS["float32"] if facts.dtype == "float32" else NAME) if quantized else "",
        kind="quantization" if quantized else "control",
    )


def content(checkpoint: Checkpoint, options: VariantOptions) -> Iterable[Path]:
    """The graphs of a variant with their external data; the other files are part of the fingerprint.

    None where there is no such variant, for which `build_variant` raises an error.
    """
    there = isinstance(checkpoint, FolderCheckpoint) and options.variant in checkpoint.layout.variants()
    return _with_data(graphs_of(_checked(checkpoint).layout, options.variant)) if there else []


def _checked(checkpoint: Checkpoint) -> FolderCheckpoint:
    if not isinstance(checkpoint, FolderCheckpoint):
        raise ModelError(
            f"the quantizer {NAME!r} is for models of the source {NAME!r} only",
            where=f"{checkpoint.identity.source}/{checkpoint.identity.checkpoint}",
            fix="For a checkpoint of another source, use ort-fp16, ort-int8-dynamic or ort-int8-static.",
        )
    return checkpoint


def _with_data(graphs: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys(file for path in graphs for file in files_of(path)))
