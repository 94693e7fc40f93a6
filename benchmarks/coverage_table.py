"""What each built-in quantizer does to a full-size ViT-B/32, as the table of docs/coverage.md.

Run: ``python benchmarks/coverage_table.py > docs/coverage.md`` (minutes on two cores; it needs the extras ``onnx``,
``openvino`` and ``torchao``). The weights are random, which decides the errors: see the text it prints.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from qbench.execution.model_names import find_model
from qbench.execution.quiet import quiet
from qbench.execution.single import built
from qbench.plugins.registry import installed
from qbench.results.coverage import summarise
from qbench.spec.model import CalibrationSpec
from qbench.spec.words import read_quantizer
from qbench_clip.untrained import write_untrained

SIZE = "ViT-B-32"
VARIANTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("fp32", ()),
    ("fp16", ()),
    ("bf16", ()),
    ("hf-int8", ()),
    ("hf-int8", ("projections=both",)),
    ("hf-int4", ()),
    ("hf-int4", ("double_quant=true",)),
    ("hf-int4", ("block_size=32",)),
    ("hf-int4", ("block_size=256",)),
    ("hf-int4", ("quant_type=fp4",)),
    ("hf-int4", ("towers=image",)),
    ("torch-int8", ()),
    ("torch-int8", ("per_channel=true",)),
    ("ao-int8dq", ()),
    ("ao-int8wo", ()),
    ("ao-float8wo", ()),
    ("ao-int4", ()),
    ("ao-int4", ("group=32",)),
    ("ao-intx", ()),
    ("ao-intx", ("bits=3",)),
    ("ort-fp32", ()),
    ("ort-fp16", ()),
    ("ort-int8-dynamic", ()),
    ("ort-int8-dynamic", ("per_channel=true",)),
    ("ort-int8-static", ()),
    ("ort-int8-static", ("per_channel=true",)),
    ("ov-fp32", ()),
    ("ov-fp16", ()),
    ("ov-int8-weights", ()),
    ("ov-int4-weights", ()),
    ("ov-int4-calibrated", ()),
    ("ov-int8-static", ()),
    ("prune-magnitude", ()),
)
CALIBRATION = {"benchmark": {"name": "imagenet", "dataset": "demo-imagenet"}, "items": 16}
"""What no number of the table depends on: the ranges of activations are not part of the coverage."""
HEAD = f"""# What each quantizer does to a full-size {SIZE}

This table was made by `python benchmarks/coverage_table.py`, on a CPU, before the first forward pass. The model has
random weights, which `python -m qbench_clip.untrained {SIZE} FOLDER` draws. The shares, bits and bytes are those of
every checkpoint of this size; the errors are those of normally distributed weights, and those of a trained checkpoint
differ (`qbench inspect` shows them).
"""
COLUMNS = (
    *("variant", "control", "image tower", "text tower", "Linear layers", "bits per weight"),
    *("median error", "largest error", "zeros", "MB in memory"),
)


def row(folder: Path, quantizer: str, options: tuple[str, ...]) -> str:
    """One variant as a row of the table."""
    spec = read_quantizer(quantizer, options)
    if installed().quantizer(quantizer).record.calibrates:
        spec = spec.model_copy(update={"calibration": CalibrationSpec.model_validate(CALIBRATION)})
    with built(find_model(str(folder), installed()), spec, device="cpu", registry=installed()) as made:
        label, variant = made.quantizer.label, made.variant
        table = summarise([("", label, variant.coverage)]).set_index("tower")
    whole = table.loc["all"]
    cells = [
        f"`{label}`",
        variant.control or "–",
        *(f"{100 * table.loc[tower, 'share']:.1f} %" for tower in ("image", "text")),
        f"{whole['quantized_layers']} of {whole['layers']}",
        f"{whole['bits_per_weight']:.2f}",
        *(f"{whole[name]:.2g}" for name in ("median_error", "max_error")),
        f"{100 * whole['sparsity']:.1f} %",
        f"{whole['model_bytes'] / 1e6:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the page."""
    with tempfile.TemporaryDirectory() as name, quiet(Path(name) / "log"):
        folder = Path(name) / SIZE
        write_untrained(SIZE, folder)
        print(f"{HEAD}\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for variant in VARIANTS:
            print(row(folder, *variant))


if __name__ == "__main__":
    main()
