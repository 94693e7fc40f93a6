"""A CLIP checkpoint in a folder: checked, identified, and loaded as transformers' ``CLIPModel``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from qbench.api import DType, Geometry, Identity, ModelError, Preprocessing
from qbench.data.fingerprint import Digests
from qbench.store.cache import Cache
from qbench.store.keys import key_of
from qbench_clip.convert import as_transformers_folder
from qbench_clip.encoder import ClipEncoder
from qbench_clip.find import SMALL, fetch, weights_in
from qbench_clip.folder import FolderWeights
from qbench_clip.options import ClipOptions

RESAMPLE = {2: "bilinear", 3: "bicubic"}
"""PIL's numbers for the filters, as ``preprocessor_config.json`` has them."""


class ClipCheckpoint(FolderWeights):
    """A folder in transformers' ``CLIPModel`` format.

    Parameters
    ----------
    folder : pathlib.Path
        ``config.json``, ``model.safetensors``, ``preprocessor_config.json``, the tokenizer.
    identity : Identity
        Whose weights they are.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.folder = folder
        self.identity = identity
        self.preprocessing = read_preprocessing(folder / "preprocessor_config.json")

    def load(self, *, device: str, dtype: DType, quantization_config: Any = None) -> ClipEncoder:
        """Load the weights; see `qbench.api.Checkpoint`."""
        self.check_not_quantized()
        if quantization_config is None:
            return self._load(device, dtype)
        return self._load(device, dtype, quantization_config=quantization_config, device_map={"": device})

    def load_stored(self, *, device: str) -> tuple[ClipEncoder, DType]:
        """Load weights that are stored quantized; see `qbench.api.Storable`."""
        dtype = self.stored_dtype()
        return self._load(device, dtype, device_map={"": device}), dtype

    def _load(self, device: str, dtype: DType, **how: Any) -> ClipEncoder:
        from transformers import AutoTokenizer, CLIPModel

        options = {"dtype": getattr(torch, dtype), "local_files_only": True, "use_safetensors": True, **how}
        try:
            model: Any = CLIPModel.from_pretrained(self.folder, **options)
            tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else ""
            raise ModelError(
                f"the checkpoint cannot be loaded ({type(error).__name__}: {first})", where=str(self.folder)
            ) from error
        if "device_map" not in how:
            model = model.to(device)
        return ClipEncoder(model.eval(), tokenizer, self.preprocessing, device)


def open_checkpoint(source: str, checkpoint: str, repository: str, options: ClipOptions) -> ClipCheckpoint:
    """Find, check and identify a checkpoint; the weights are hashed, not loaded.

    Raises
    ------
    ModelError
        Files are missing, damaged, or of another architecture.
    """
    if options.path:
        folder, revision = Path(options.path).expanduser(), "local"
    else:
        folder = fetch(repository, options.revision)
        revision = folder.name  # the cache names a snapshot by its commit
    return open_folder(folder, source=source, checkpoint=checkpoint, revision=revision)


def open_folder(folder: Path, *, source: str, checkpoint: str, revision: str = "local") -> ClipCheckpoint:
    """A checkpoint in a local folder, converted first where it is in open_clip's format."""
    weights = weights_in(folder)
    if weights is None:
        there = "it has no weights" if folder.is_dir() else "the folder does not exist"
        raise ModelError(f"there is no CLIP checkpoint: {there}", where=str(folder))
    files = [weights, *(folder / name for name in SMALL if (folder / name).is_file())]
    cache = Cache()
    digests = Digests(cache, folder).of(files)
    fingerprint = key_of({path.name: digest for path, digest in zip(files, digests, strict=True)})
    ready = as_transformers_folder(folder, weights, fingerprint, cache)
    identity = Identity(
        source=source,
        checkpoint=checkpoint,
        architecture="CLIPModel",
        revision=revision,
        fingerprint=fingerprint,
    )
    return ClipCheckpoint(ready, identity)


def read_preprocessing(path: Path) -> Preprocessing:
    """``preprocessor_config.json`` as data.

    Raises
    ------
    ModelError
        It is missing or asks for something that CLIP does not do.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        size, crop = config["size"], config.get("crop_size", config["size"])
        short = size if isinstance(size, int) else size["shortest_edge"] if "shortest_edge" in size else size["height"]
        side = crop if isinstance(crop, int) else crop["height"]
        interpolation = RESAMPLE[config.get("resample", 3)]
        mean, std = tuple(config["image_mean"]), tuple(config["image_std"])
    except FileNotFoundError:
        raise ModelError("the file is missing", where=str(path)) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"not understood ({type(error).__name__}: {error})", where=str(path)) from None
    if short != side or not config.get("do_center_crop", True):
        raise ModelError(f"resizing to {short} and cropping to {side} is not what CLIP does", where=str(path))
    return Preprocessing(
        geometry=Geometry(size=side, resize="shortest", interpolation=interpolation),  # type: ignore[arg-type]
        mean=mean,
        std=std,
    )
