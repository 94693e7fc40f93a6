"""The encoder of precomputed embeddings: it looks them up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qbench.api import QuantizationError
from qbench.api.probes import folder_name
from qbench_embeddings.manifest import Manifest
from qbench_embeddings.vectors import look_up


class FileEncoder:
    """Embeddings in files; see `qbench.api.NamedEncoder`.

    Parameters
    ----------
    folder : pathlib.Path
        The variant's folder, with one folder per benchmark.
    manifest : Manifest
        What its maker declares.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest

    def find_images(self, benchmark: str, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """The embeddings of images, by id."""
        return look_up(self.folder / folder_name(benchmark), "images", ids, self.manifest)

    def find_texts(self, benchmark: str, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The embeddings of texts, by their exact characters."""
        return look_up(self.folder / folder_name(benchmark), "texts", texts, self.manifest)

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Refuse: there is no model here."""
        raise QuantizationError("the embeddings are precomputed, so there is no model to run")

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Refuse: there is no model here."""
        raise QuantizationError("the embeddings are precomputed, so there is no model to run")

    def close(self) -> None:
        """Nothing is held."""
