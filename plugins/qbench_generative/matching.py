"""Opens a BLIP for image-text matching."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qbench.api import Identity, LoadedModel
from qbench_generative.checkpoint import ProcessorCheckpoint
from qbench_generative.families import MATCHING, family_of
from qbench_generative.files import find_folder, fingerprint_of
from qbench_generative.options import MatchingOptions


def open_matching(checkpoint: str, options: MatchingOptions) -> MatchingCheckpoint:
    """Open a hub ID, or the folder of the option ``path``.

    Parameters
    ----------
    checkpoint : str
        The hub ID, such as ``Salesforce/blip-itm-base-coco``; with ``path``, any name.
    options : MatchingOptions
        Where the weights come from, and how many pairs are read together.

    Raises
    ------
    ModelError
        Files are missing, damaged, or of a model that is not made for image-text matching.
    """
    folder = find_folder(checkpoint, options.path, options.revision)
    identity = Identity(
        source="matching",
        checkpoint=checkpoint,
        architecture=family_of(folder, MATCHING)[1].architecture,
        revision="local" if options.path else folder.name,  # the folder of a snapshot is named by its commit
        fingerprint=fingerprint_of(folder, {"pairs_at_once": options.pairs_at_once}),
    )
    return MatchingCheckpoint(folder, identity, options)


class MatchingCheckpoint(ProcessorCheckpoint):
    """A BLIP for image-text matching in a folder of transformers' format.

    Parameters
    ----------
    folder : pathlib.Path
        ``config.json``, the weights in safetensors, the files of the processor.
    identity : Identity
        The identity of the weights.
    options : MatchingOptions
        How many pairs are read together.

    Raises
    ------
    ModelError
        The settings of the images are missing or wrong, or the model is not made for image-text matching.
    """

    def __init__(self, folder: Path, identity: Identity, options: MatchingOptions) -> None:
        super().__init__(folder, identity, family_of(folder, MATCHING)[1])
        self.options = options

    def asked(self, model: Any, processor: Any, device: str) -> LoadedModel:
        """The model as a `qbench.api.probes.Matcher`; the parameters are those of `ProcessorCheckpoint.asked`."""
        from qbench_generative.matcher import BlipMatcher

        return BlipMatcher(model, processor, device, pairs_at_once=self.options.pairs_at_once)
