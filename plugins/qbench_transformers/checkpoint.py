"""Checks, identifies and loads a dual encoder in a folder of transformers' format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from qbench.api import DType, Identity, ModelError, Preprocessing
from qbench.api.models import file_digests, key_of
from qbench_transformers.encoder import DualEncoder
from qbench_transformers.find import small_files
from qbench_transformers.folder import FolderWeights
from qbench_transformers.preprocessing import read_json, read_preprocessing


def as_it_is(text: str) -> str:
    """Return the text unchanged: for families whose tokenizer does all the cleaning."""
    return text


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of dual encoder.

    Attributes
    ----------
    model_type : str
        Its name in ``config.json``, such as ``clip``.
    architecture : str
        The class in transformers that runs it, such as ``CLIPModel``.
    clean : callable
        Cleans a text before the tokenizer gets it.
    """

    model_type: str
    architecture: str
    clean: Callable[[str], str] = as_it_is

    def check(self, config: Path) -> None:
        """Raise `ModelError` if a ``config.json`` belongs to another family."""
        found = read_json(config).get("model_type")
        if found != self.model_type:
            raise ModelError(f"the model is of type {found!r}, not {self.model_type!r}", where=str(config))


class DualCheckpoint(FolderWeights):
    """A checkpoint in a folder of transformers' format.

    Parameters
    ----------
    folder : pathlib.Path
        ``config.json``, ``model.safetensors``, ``preprocessor_config.json``, the tokenizer.
    identity : Identity
        The identity of the weights.
    family : Family
        The family of the checkpoint.
    preprocessing : Preprocessing, optional
        The preprocessing; that of the folder if not given.

    Raises
    ------
    ModelError
        Files are missing or truncated, or belong to another family.
    """

    def __init__(
        self, folder: Path, identity: Identity, family: Family, preprocessing: Preprocessing | None = None
    ) -> None:
        family.check(folder / "config.json")
        check_whole(folder / "model.safetensors")
        self.folder, self.identity, self.family = folder, identity, family
        self.preprocessing = preprocessing or read_preprocessing(folder)

    def load(self, *, device: str, dtype: DType, quantization_config: Any = None) -> DualEncoder:
        """Load the weights; see `qbench.api.Checkpoint`."""
        self.check_not_quantized()
        if quantization_config is None:
            return self._load(device, dtype)
        return self._load(device, dtype, quantization_config=quantization_config, device_map={"": device})

    def load_stored(self, *, device: str) -> tuple[DualEncoder, DType]:
        """Load weights that are stored quantized; see `qbench.api.Storable`."""
        dtype = self.stored_dtype()
        return self._load(device, dtype, device_map={"": device}), dtype

    def _load(self, device: str, dtype: DType, **how: Any) -> DualEncoder:
        import transformers

        options: dict[str, Any] = {
            "dtype": getattr(torch, dtype),
            "local_files_only": True,
            "use_safetensors": True,
            "output_loading_info": True,
            **how,
        }
        try:
            model, loading = getattr(transformers, self.family.architecture).from_pretrained(self.folder, **options)
            tokenizer = transformers.AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        except (SafetensorError, OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else ""
            raise ModelError(
                f"the checkpoint cannot be loaded ({type(error).__name__}: {first})", where=str(self.folder)
            ) from error
        if loading["missing_keys"]:
            # transformers would use random numbers for them, with only a warning
            raise ModelError(
                f"{len(loading['missing_keys'])} tensors of a {self.family.architecture} are missing, such as "
                f"{min(loading['missing_keys'])}",
                where=str(self.folder),
            )
        if "device_map" not in how:
            model = model.to(device)
        return DualEncoder(model.eval(), tokenizer, self.preprocessing, device, clean=self.family.clean)


def check_whole(weights: Path) -> None:
    """Raise `ModelError` if a safetensors file is missing or truncated. Reads its header only."""
    try:
        with safe_open(weights, framework="pt"):
            pass
    except FileNotFoundError:
        raise ModelError("the file is missing", where=str(weights)) from None
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"the weights cannot be read: truncated or damaged ({error})", where=str(weights), fix="Fetch them again."
        ) from None


def fingerprint(weights: Path, *, settings: Any = None) -> str:
    """The hash of what decides a checkpoint's embeddings: its weights, and the `settings` or the files in its folder.

    Parameters
    ----------
    weights : pathlib.Path
        The weight file.
    settings : JSON-able, optional
        The configuration, if it does not come from files in the folder of the weights, which are then not read.

    Returns
    -------
    str
        SHA-256 (hex).
    """
    files = [weights, *(small_files(weights.parent) if settings is None else [])]
    digests = dict(zip([path.name for path in files], file_digests(files), strict=True))
    return key_of(digests if settings is None else {"weights": digests[weights.name], "settings": settings})
