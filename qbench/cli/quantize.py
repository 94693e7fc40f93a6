"""``qbench quantize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = "Example: `qbench quantize openai/ViT-B-32 --quantizer hf-int4 --save models/b32-nf4`"


def command(
    model: Annotated[str, typer.Argument(help="source/checkpoint as in a spec, or the path of a checkpoint.")],
    quantizer: Annotated[str, typer.Option(help="A quantizer (see `qbench list quantizers`).")],
    save: Annotated[Path, typer.Option(help="The folder to write; it must be new or empty.")],
    option: Annotated[
        list[str] | None, typer.Option(help="An option of the quantizer, as name=value; repeatable.")
    ] = None,
    model_option: Annotated[
        list[str] | None, typer.Option(help="An option of the model, as name=value; repeatable.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or one GPU, such as cuda:1.")] = "cpu",
) -> None:
    """Save a quantized model as a checkpoint, if the quantizer can. Exit code 2 if it cannot."""
    from qbench.execution.model_names import find_model
    from qbench.execution.single import built, check_empty, keep
    from qbench.plugins.registry import installed
    from qbench.spec.words import read_options, read_quantizer
    from qbench.text import bytes_in_words

    check_empty(save)
    registry = installed()
    wanted = find_model(model, registry, read_options(model_option or (), where="--model-option"))
    with built(wanted, read_quantizer(quantizer, option or ()), device=device, registry=registry) as made:
        coverage, again = made.variant.coverage, keep(made, save)
        label = f"{made.model.label} · {made.quantizer.label}"
    source = find_model(str(save), registry).source
    written = sum(file.stat().st_size for file in save.rglob("*") if file.is_file())
    typer.echo(
        f"{label}: {100 * coverage.share():.1f} % of the Linear weights changed, {coverage.bits_per_weight:.2f} bits "
        f"per weight, {bytes_in_words(written)}\n"
        f'Saved: {save}\nTo evaluate it: models = [{{ source = "{source}", checkpoint = "{save.name}", '
        f'options = {{ path = "{save}" }} }}], quantizers = ["{again}"], baseline = "{again}"'
    )
