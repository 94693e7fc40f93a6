"""Opens a CLIP checkpoint: finds, checks, converts if needed, and identifies it. Loads no weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbench.api import Identity, Located, ModelError
from qbench_clip.convert import as_transformers_folder
from qbench_clip.family import CLIP
from qbench_clip.names import HUB_IDS, MEAN_AND_STD, OPEN_CLIP_WEIGHTS, TAGS, WEIGHTS
from qbench_clip.options import ClipOptions
from qbench_clip.settings import not_plain
from qbench_clip.tags import Named, look_up
from qbench_transformers.checkpoint import DualCheckpoint
from qbench_transformers.find import fetch, locate_hub, weights_in
from qbench_transformers.fingerprint import fingerprint
from qbench_transformers.preprocessing import read_json

if TYPE_CHECKING:
    from qbench_clip.native import NativeCheckpoint


def open_checkpoint(source: str, checkpoint: str, options: ClipOptions) -> DualCheckpoint | NativeCheckpoint:
    """Open one of the nine checkpoints of the study, or (source ``clip``) a hub ID or a path.

    Raises
    ------
    ModelError
        Files are missing, damaged, or of another architecture.
    """
    if options.path:
        tag = TAGS.get(source, {}).get(checkpoint)
        return _open_path(source, checkpoint, options, f"{checkpoint}/{tag}" if tag else "")
    folder = fetch(HUB_IDS.get(source, {}).get(checkpoint, checkpoint), options.revision, WEIGHTS)
    opened = open_folder(folder, source=source, checkpoint=checkpoint, revision=folder.name)
    if checkpoint in MEAN_AND_STD.get(source, {}):
        mean, std = MEAN_AND_STD[source][checkpoint]
        opened.preprocessing = replace(opened.preprocessing, mean=mean, std=std)
    return opened


def open_named(source: str, checkpoint: str, options: ClipOptions) -> DualCheckpoint | NativeCheckpoint:
    """Open weights by open_clip's name for them, ``model/tag``.

    Raises
    ------
    ModelError
        open_clip does not know the name, or files are missing, damaged or of another architecture.
    """
    if options.path:
        return _open_path(source, checkpoint, options, checkpoint)
    known = _on_the_hub(checkpoint)
    folder = fetch(known.repository, options.revision, known.files or OPEN_CLIP_WEIGHTS)
    weights = weights_in(folder, known.files or OPEN_CLIP_WEIGHTS)
    return _opened(weights, known.settings, source=source, checkpoint=checkpoint, revision=folder.name)


def locate_named(checkpoint: str, options: ClipOptions) -> Located:
    """Whether the weights that open_clip calls ``model/tag`` are in the Hugging Face cache. Downloads nothing."""
    known = _on_the_hub(checkpoint)
    return locate_hub(known.repository, options.revision, known.files or OPEN_CLIP_WEIGHTS)


def open_folder(
    folder: Path, *, source: str, checkpoint: str, revision: str = "local"
) -> DualCheckpoint | NativeCheckpoint:
    """Open the checkpoint in a folder, by its configuration files; one in open_clip's format is converted first."""
    weights = weights_in(folder, WEIGHTS)
    return _opened(weights, None, source=source, checkpoint=checkpoint, revision=revision)


def _open_path(source: str, checkpoint: str, options: ClipOptions, name: str) -> DualCheckpoint | NativeCheckpoint:
    path = Path(options.path).expanduser()
    if not path.is_file():
        return open_folder(path, source=source, checkpoint=checkpoint)
    if not name:
        # Shapes show widths and depths, but with a wrong activation or mean the model runs and gives wrong numbers.
        raise ModelError(
            "a single weights file does not contain its activation, mean and standard deviation",
            where=str(path),
            fix='Name the model: source = "open_clip", checkpoint = "ViT-B-32-quickgelu" or "ViT-L-14/<tag>". Or give '
            "the folder with its config.json or open_clip_config.json.",
        )
    return _opened(path, look_up(name).settings, source=source, checkpoint=checkpoint, revision="local")


def _opened(
    weights: Path, settings: dict[str, Any] | None, *, source: str, checkpoint: str, revision: str
) -> DualCheckpoint | NativeCheckpoint:
    found = fingerprint(weights, settings=settings)
    described = settings or _settings_beside(weights)
    if described and not_plain(described["model_cfg"]):
        from qbench_clip.native import open_native

        names = {"source": source, "checkpoint": checkpoint, "revision": revision}
        return open_native(weights, described, found, names)
    folder = as_transformers_folder(weights, found, settings)
    identity = Identity(
        source=source,
        checkpoint=checkpoint,
        architecture=CLIP.architecture,
        revision=revision,
        fingerprint=found,
    )
    return DualCheckpoint(folder, identity, CLIP)


def _settings_beside(weights: Path) -> dict[str, Any]:
    """open_clip's settings in the folder of a weight file in its format; empty where they are not complete."""
    if not weights.name.startswith("open_clip"):
        return {}
    settings = read_json(weights.parent / "open_clip_config.json")
    model = settings.get("model_cfg")
    complete = isinstance(model, dict) and all(isinstance(model.get(x), dict) for x in ("vision_cfg", "text_cfg"))
    return settings if complete else {}  # what is missing is said by the conversion


def _on_the_hub(checkpoint: str) -> Named:
    known = look_up(checkpoint)
    if not known.repository:
        raise ModelError(
            f"{checkpoint!r} does not name weights on the hub",
            fix='Give checkpoint = "model/tag", such as "ViT-B-32/laion2b_s34b_b79k", or path = … to a weights file.',
        )
    return known
