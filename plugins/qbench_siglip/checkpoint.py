"""Opens a SigLIP checkpoint: finds, checks and identifies it. Loads no weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qbench.api import Identity
from qbench_siglip import WEIGHTS
from qbench_siglip.tokenizer import check_tokenizer, in_lower_case, is_second
from qbench_transformers.checkpoint import DualCheckpoint, Family
from qbench_transformers.find import fetch, weights_in
from qbench_transformers.fingerprint import fingerprint
from qbench_transformers.options import WeightsOptions
from qbench_transformers.tensors import without_wrapper

SIGLIP = Family(model_type="siglip", architecture="SiglipModel", tokenizer=(("spiece.model",), ("tokenizer.json",)))
SECOND = replace(SIGLIP, tokenizer=(("tokenizer.json",),), clean=in_lower_case)
"""SigLIP 2 with a fixed resolution, which has the class and the ``model_type`` of the first."""


def open_checkpoint(checkpoint: str, options: WeightsOptions) -> DualCheckpoint:
    """Open a hub ID, or the folder of the option ``path``.

    Raises
    ------
    ModelError
        Files are missing, damaged, or of another architecture.
    """
    folder = Path(options.path).expanduser() if options.path else fetch(checkpoint, options.revision, WEIGHTS)
    weights = weights_in(folder, WEIGHTS)
    SIGLIP.check(folder / "config.json")
    check_tokenizer(folder)
    identity = Identity(
        source="siglip",
        checkpoint=checkpoint,
        architecture=SIGLIP.architecture,
        revision="local" if options.path else folder.name,  # the folder of a snapshot is named by its commit
        fingerprint=fingerprint(weights),
    )
    return DualCheckpoint(
        without_wrapper(folder, identity.fingerprint), identity, SECOND if is_second(folder) else SIGLIP
    )
