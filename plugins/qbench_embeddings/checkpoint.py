"""A checkpoint that never runs here: a folder with one folder per variant, the baseline included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qbench.api import DType, Identity, LoadedModel, ModelError, Preprocessing
from qbench.api.models import key_of
from qbench_embeddings.folders import HOW_TO_GET, MANIFEST, variants_in
from qbench_embeddings.manifest import read_manifest
from qbench_embeddings.options import FolderOptions


class PrecomputedCheckpoint:
    """What the quantizer ``embeddings`` needs of a checkpoint; any other is refused.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    identity : Identity
        Whose embeddings they are.
    preprocessing : Preprocessing
        As the first manifest (by name) declares it; each variant is compared with it when it is built.
    """

    def __init__(self, folder: Path, identity: Identity, preprocessing: Preprocessing) -> None:
        self.folder, self.identity, self.preprocessing = folder, identity, preprocessing

    def load(self, *, device: str, dtype: DType, quantization_config: Any = None) -> LoadedModel:
        """Refuse: there are no weights here."""
        names = variants_in(self.folder)
        raise ModelError(
            "there are embeddings only, and no weights to load",
            where=str(self.folder),
            fix=f'Use {{ name = "embeddings", options = {{ variant = "{names[0]}" }} }} for each of its variants: '
            f"{', '.join(names)}.",
        )


def open_folder(checkpoint: str, options: FolderOptions) -> PrecomputedCheckpoint:
    """Open a folder of variants.

    Raises
    ------
    ModelError
        There is no variant, a manifest is damaged, or they declare different weights.
    """
    folder = Path(options.path).expanduser() if options.path else None
    names = variants_in(folder) if folder else []
    if folder is None or not names:
        what = "there is no folder with a manifest" if folder else "no path is given"
        raise ModelError(what, where=str(folder or ""), fix=HOW_TO_GET)
    manifests = {name: read_manifest(folder / name) for name in names}
    declared = {m.weights: name for name, m in manifests.items() if m.weights}
    if len(declared) > 1:
        raise ModelError(f"the variants {' and '.join(declared.values())} are of different weights", where=str(folder))
    # Where nobody says which weights they are, what is declared is all that can tell one model from another.
    words = {name: manifest.model_dump_json() for name, manifest in manifests.items()}
    identity = Identity(
        source="embeddings",
        checkpoint=checkpoint,
        architecture="precomputed",
        revision="local",
        fingerprint=next(iter(declared), "") or key_of({MANIFEST: words}),
    )
    return PrecomputedCheckpoint(folder, identity, manifests[names[0]].preprocessing)
