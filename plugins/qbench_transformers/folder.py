"""Reads facts from a folder in transformers' format without loading it, and saves variants into such folders.

These are the optional protocols `qbench.api.Inspectable` and `qbench.api.Storable`, except for the loading itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from qbench.api import DType, Identity, LoadedModel, ModelError, Preprocessing, QbenchError
from qbench_transformers.find import SMALL, WEIGHTS
from qbench_transformers.preprocessing import read_json, write_preprocessing

TOKENIZER = tuple(name for name in SMALL if "config" not in name or name == "tokenizer_config.json")
PLAIN = ("torch.float64", "torch.float32", "torch.float16", "torch.bfloat16")
"""Types of weights that are not quantized, as torch names them; torch itself is imported by what loads a model."""


def stored_weight(path: Path, name: str) -> npt.NDArray[np.float32] | None:
    """One weight of a safetensors file; `None` if there is no weight of that name, or if it is stored quantized."""
    try:
        with safe_open(path, framework="pt") as file:
            if name not in file.keys():  # noqa: SIM118 - safetensors' object has keys() and no "in"
                return None
            tensor = file.get_tensor(name)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"the weights cannot be read ({error})", where=str(path)) from None
    if str(tensor.dtype) not in PLAIN:
        return None
    array: npt.NDArray[np.float32] = tensor.float().numpy()
    return array


@contextmanager
def said_as_errors_of_models(folder: Path) -> Iterator[None]:
    """Turn whatever a library raises of a folder's files into a `ModelError`.

    What damaged files make libraries raise is not declared; that of tokenizers raises ``Exception`` itself.
    """
    try:
        yield
    except (QbenchError, MemoryError):
        raise
    except Exception as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise ModelError(
            f"the checkpoint cannot be loaded ({type(error).__name__}: {first})", where=str(folder)
        ) from error


class FolderWeights:
    """A folder with ``config.json`` and ``model.safetensors``; a base class of checkpoints.

    Attributes
    ----------
    folder : pathlib.Path
        The folder.
    identity : Identity
        The identity of the weights; its architecture is a class of transformers.
    preprocessing : Preprocessing
        The preprocessing that is used, which may differ from that of the folder.
    """

    folder: Path
    identity: Identity
    preprocessing: Preprocessing

    def skeleton(self) -> Any:
        """The model on the meta device: layers and shapes without weights.

        Raises
        ------
        ModelError
            The configuration is not one of such a model.
        """
        import torch
        import transformers

        with said_as_errors_of_models(self.folder), torch.device("meta"):
            config = transformers.AutoConfig.from_pretrained(
                self.folder, local_files_only=True, trust_remote_code=False
            )
            return getattr(transformers, self.identity.architecture)(config)

    def weight(self, name: str) -> npt.NDArray[np.float32] | None:
        """One weight as it is stored; `None` if there is no weight of that name, or if it is stored quantized."""
        return stored_weight(self.folder / WEIGHTS, name)

    def disk_bytes(self) -> int:
        """The size of the weight file in bytes."""
        return (self.folder / WEIGHTS).stat().st_size

    def save(self, encoder: LoadedModel, folder: Path) -> None:
        """Write a model into `folder`, together with the tokenizer and the preprocessing of this checkpoint."""
        module: Any = encoder.module  # type: ignore[attr-defined]  # a convention of the built-in sources
        module.save_pretrained(folder)
        # safetensors makes its file private; give it the same permissions as the other files.
        (folder / WEIGHTS).chmod((folder / "config.json").stat().st_mode)
        for name in TOKENIZER:
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)
        write_preprocessing(self.folder, folder, self.preprocessing)

    def check_not_quantized(self) -> None:
        """Raise `ModelError` if the weights are stored quantized.

        transformers would load them quantized, whatever type it is asked for, with only a warning, so that a control
        arm would be a quantized model.
        """
        if self.stored_quantized:
            raise ModelError(
                f"the weights are stored quantized ({self._quantization()})",
                where=str(self.folder),
                fix='Use the quantizer "stored", which loads them without a change, or use the original checkpoint.',
            )

    def stored_dtype(self) -> DType:
        """The type of the layers that are not quantized, if the weights are stored quantized.

        Raises
        ------
        ModelError
            The weights are not stored quantized, or qbench does not know the type.
        """
        if not self.stored_quantized:
            raise ModelError(
                "the weights are not stored quantized",
                where=str(self.folder),
                fix='Use a control arm, such as "fp32", or a quantizer.',
            )
        config = self._config()
        dtype: DType = config.get("dtype") or config.get("torch_dtype", "float32")  # older transformers' name for it
        if dtype not in get_args(DType):
            known = ", ".join(get_args(DType))
            raise ModelError(f"the type {dtype!r} is not one of {known}", where=str(self.folder / "config.json"))
        return dtype

    @property
    def stored_quantized(self) -> bool:
        """Whether the weights are stored quantized."""
        return bool(self._quantization())

    def _quantization(self) -> str:
        """The method by which the weights were quantized, as transformers names it; empty if they were not."""
        config = self._config().get("quantization_config")
        return str(config.get("quant_method", "unknown")) if isinstance(config, dict) else ""

    def _config(self) -> dict[str, Any]:
        return read_json(self.folder / "config.json")
