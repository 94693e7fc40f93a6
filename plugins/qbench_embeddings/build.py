"""A folder of embeddings → a variant: what it declares, compared with the checkpoint it is said to be of."""

from __future__ import annotations

import math
from pathlib import Path

from qbench.api import Checkpoint, ModelError, Preprocessing, Variant
from qbench_embeddings.checkpoint import PrecomputedCheckpoint
from qbench_embeddings.encoder import FileEncoder
from qbench_embeddings.folders import HOW_TO_GET, MANIFEST, folder_of, variants_in
from qbench_embeddings.manifest import read_manifest
from qbench_embeddings.options import VariantOptions


def build(checkpoint: Checkpoint, options: VariantOptions) -> Variant:
    """Read the manifest; the embeddings themselves are read when a benchmark asks for them.

    Raises
    ------
    ModelError
        The folder or its manifest is missing or damaged, or it is of other weights or another preprocessing.
    """
    folder = _folder(checkpoint, options)
    if folder is None:
        raise ModelError(
            "the quantizer embeddings needs the option path with this model",
            fix="Name the folder, with {checkpoint} in it where there are several models.",
        )
    if not (folder / MANIFEST).exists():
        names = ", ".join(variants_in(folder if not options.variant else folder.parent)) or "none"
        raise ModelError(f"there is no {MANIFEST} (variants there: {names})", where=str(folder), fix=HOW_TO_GET)
    manifest, where = read_manifest(folder), str(folder / MANIFEST)
    if manifest.weights and manifest.weights != checkpoint.identity.fingerprint:
        raise ModelError(
            f"the embeddings are of the weights {manifest.weights[:12]}…, the model is "
            f"{checkpoint.identity.fingerprint[:12]}…",
            where=where,
        )
    if not _same(manifest.preprocessing, checkpoint.preprocessing):
        raise ModelError(
            f"the images were not preprocessed as the model expects: {manifest.preprocessing}, not "
            f"{checkpoint.preprocessing}",
            where=where,
        )
    quantized = manifest.kind == "quantization"
    runtime = "the runtime is not the baseline's, unless that was made by it too" if quantized else ""
    return Variant(
        encoder=FileEncoder(folder, manifest),
        coverage=manifest.declared(),
        dtype=manifest.dtype,
        # An export of the same runtime with nothing quantized is what tells the runtime from the quantization.
        control="embeddings" if quantized else "",
        note="; ".join(x for x in (runtime, manifest.note) if x),
        kind=manifest.kind,
        numerics=f"declared: {manifest.numerics}",
    )


def content(checkpoint: Checkpoint, options: VariantOptions) -> list[Path]:
    """The folder whose files decide the variant; none where it is not a variant's, for which `build` raises an error.

    Without a manifest it may be any folder of the user's, and all below it would be read for a key.
    """
    folder = _folder(checkpoint, options)
    return [folder] if folder is not None and (folder / MANIFEST).is_file() else []


def _folder(checkpoint: Checkpoint, options: VariantOptions) -> Path | None:
    if options.path:
        return folder_of(options.path, checkpoint.identity) / options.variant
    return checkpoint.folder / options.variant if isinstance(checkpoint, PrecomputedCheckpoint) else None


def _same(mine: Preprocessing, other: Preprocessing) -> bool:
    numbers = zip((*mine.mean, *mine.std), (*other.mean, *other.std), strict=True)
    return mine.geometry == other.geometry and all(math.isclose(a, b, abs_tol=1e-6) for a, b in numbers)
