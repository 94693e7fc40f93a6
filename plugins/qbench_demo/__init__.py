"""The embedded demo: drawn datasets in the layouts of the real ones, and tiny models trained on drawings.

No other module depends on it. The models are folders in transformers' format: three dual encoders that `qbench_clip`
opens, and a generative model that `qbench_generative` opens. The datasets are folders that the real benchmarks read.
How the models were made is in `tools/demo` of the repository. This file is light: drawing and loading import what they
need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qbench.api import Dataset, Located, ModelError, ModelSource, NoOptions, hookimpl

if TYPE_CHECKING:
    from qbench.api import Checkpoint

CHECKPOINTS = Path(__file__).parent / "checkpoints"
GENERATIVE = CHECKPOINTS / "generative"

SOURCES = {
    "balanced": "trained on drawings in which all groups are alike",
    "skewed": "trained on drawings in which groups are rare and tied to occupations",
    "noisy": "trained on drawings, some of them with wrong captions",
}

NOTE = (
    "The demo's people are drawings, and its models are tiny ones trained on drawings: its numbers show what qbench "
    "does and say nothing about CLIP or about people."
)

DATASETS = {
    "imagenet": "drawn objects of twenty ImageNet classes",
    "coco": "drawn scenes with captions",
    "facet": "drawn persons with occupations, presentation, age and skin tone",
    "fairface": "drawn portraits; the label 'race' is tied to the style of the picture frame, not to looks",
}


def _locate(checkpoint: str, options: NoOptions) -> Located:
    return Located(ready=True, where="comes with qbench")


def _open(checkpoint: str, options: NoOptions) -> Checkpoint:
    from qbench_clip.checkpoint import open_folder

    folder = CHECKPOINTS / checkpoint
    _check_installed(folder)
    return open_folder(folder, source="demo", checkpoint=checkpoint)


def _open_generative(checkpoint: str, options: NoOptions) -> Checkpoint:
    from qbench_generative.checkpoint import open_folder
    from qbench_generative.options import GenerativeOptions

    _check_installed(GENERATIVE)
    return open_folder(GENERATIVE, GenerativeOptions(), source="demo-generative", checkpoint=checkpoint)


def _check_installed(folder: Path) -> None:
    if not folder.is_dir():
        raise ModelError("the demo's weights are not in this installation", where=str(folder))


LARGE_PARTS = {"imagenet": 2, "coco": 12, "facet": 10, "fairface": 4}
"""How many parts the large datasets have; the small ones have one."""
MEDIUM_PARTS = {"facet": 3}
"""Of a size between them, for models that take long: enough persons to decide what 8 bits do to them overall."""
PART_BYTES = {"imagenet": 2_200_000, "coco": 1_200_000, "facet": 2_800_000, "fairface": 4_000_000}
"""About how much of a disk a part takes."""


def _write(name: str, parts: int) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        from qbench_demo import datasets

        {
            "imagenet": datasets.write_imagenet,
            "coco": datasets.write_coco,
            "facet": datasets.write_facet,
            "fairface": datasets.write_fairface,
        }[name](folder, parts=parts)

    return write


@hookimpl
def qbench_models() -> Iterator[ModelSource]:
    """Three tiny dual encoders, standing for three sources of pretraining data, and a tiny generative model."""
    yield ModelSource(
        name="demo",
        summary="three tiny dual encoders trained on drawings",
        checkpoints=SOURCES,
        requires=("torch", "transformers", "tokenizers"),
        licence="Apache-2.0",
        locate=_locate,
        open=_open,
    )
    yield ModelSource(
        name="demo-generative",
        summary="a tiny LLaVA trained to answer questions about drawings",
        checkpoints={"balanced": SOURCES["balanced"]},
        requires=("torch", "torchvision", "transformers", "tokenizers"),
        licence="Apache-2.0",
        probes=("choices",),
        locate=_locate,
        open=_open_generative,
    )


@hookimpl
def qbench_datasets() -> Iterator[Dataset]:
    """The four drawn datasets in two sizes, one of them in three, each in the layout of its benchmark."""
    for name, summary in DATASETS.items():
        large = LARGE_PARTS[name]
        yield _dataset(f"demo-{name}", summary, name, parts=1)
        yield _dataset(f"demo-{name}-large", f"the same, {large} times as many", name, parts=large)
    for name, medium in MEDIUM_PARTS.items():
        yield _dataset(f"demo-{name}-medium", f"the same, {medium} times as many", name, parts=medium)


def _dataset(called: str, summary: str, name: str, *, parts: int) -> Dataset:
    return Dataset(
        name=called,
        summary=summary,
        version="1",
        licence="Apache-2.0",
        note=NOTE,
        write=_write(name, parts),
        size=parts * PART_BYTES[name],
    )
