"""Where the graphs of an exported model are in its folder: names only. Light: `qbench plan` asks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qbench.api import Located, ModelError

BASELINE = "fp32"
SUFFIXES: Mapping[str, str] = {
    BASELINE: "",
    **{name: f"_{name}" for name in ("fp16", "int8", "uint8", "q4", "q4f16", "bnb4", "quantized")},
}
"""Variant → how the names of its graphs end before ``.onnx``, in transformers.js; Optimum's are among them."""

PLACES = ("onnx", "")
"""The folders that are searched, below the model's: transformers.js puts graphs into ``onnx``, Optimum does not."""

PARTS = (("vision_model", "text_model"), ("model", "model"))
"""The graphs of the image tower and of the text tower: one each, or both towers in one."""


@dataclass(frozen=True)
class Layout:
    """The names of the graphs in a folder.

    Attributes
    ----------
    folder : pathlib.Path
        The folder with the configuration and the tokenizer.
    place : str
        The folder of the graphs below it; empty for the folder itself.
    parts : tuple of str
        The names of the graphs of the image tower and of the text tower, without suffix; equal if it is one graph.
    """

    folder: Path
    place: str
    parts: tuple[str, str]

    def graphs(self, variant: str) -> tuple[Path, Path]:
        """The graphs of the image tower and of the text tower of a variant, which need not exist."""
        image, text = (self.folder / self.place / f"{part}{SUFFIXES[variant]}.onnx" for part in self.parts)
        return image, text

    def has(self, variant: str) -> bool:
        """Whether the graphs of both towers exist."""
        return all(path.exists() for path in self.graphs(variant))

    def variants(self) -> list[str]:
        """The variants that are there."""
        return [name for name in SUFFIXES if self.has(name)]


def find_layout(folder: Path) -> Layout:
    """The layout of a folder, by its graphs in single precision.

    Raises
    ------
    ModelError
        The graphs in single precision are not there; the message names the files that were looked for.
    """
    layouts = [Layout(folder, place, parts) for place in PLACES for parts in PARTS]
    found = next((layout for layout in layouts if layout.has(BASELINE)), None)
    if found is None:
        names = [
            " with ".join(dict.fromkeys(path.relative_to(folder).as_posix() for path in layout.graphs(BASELINE)))
            for layout in layouts
        ]
        raise ModelError(
            f"the folder has no model in single precision as a baseline: looked for {', or '.join(names)}",
            where=str(folder),
            fix="Export the original model into the same folder, without quantization.",
        )
    return found


def graphs_of(layout: Layout, variant: str) -> tuple[Path, Path]:
    """The graphs of a variant that is there; raises `ModelError`, which names the missing files, for any other."""
    if variant not in SUFFIXES:
        raise ModelError(f"{variant!r} is not a variant: the names are {', '.join(SUFFIXES)}", where="option variant")
    missing = [path.name for path in dict.fromkeys(layout.graphs(variant)) if not path.exists()]
    if missing:
        raise ModelError(
            f"the folder has no variant {variant!r}: there is no {' and no '.join(missing)}",
            where=str(layout.folder / layout.place),
            fix=f"It has: {', '.join(layout.variants())}.",
        )
    return layout.graphs(variant)


def locate(path: str) -> Located:
    """Whether the folder of a model has graphs in single precision."""
    if not path:
        return Located(ready=False, where="", how_to_get="Set the option path to the folder of the exported model.")
    folder = Path(path).expanduser()
    try:
        find_layout(folder)
    except ModelError as error:
        return Located(ready=False, where=str(folder), how_to_get=str(error))
    return Located(ready=True, where=str(folder))
