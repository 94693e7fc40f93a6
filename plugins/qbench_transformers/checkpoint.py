"""Checks, identifies and loads a dual encoder in a folder of transformers' format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbench.api import DType, Identity, ModelError, Preprocessing
from qbench.api.models import cached_folder
from qbench_transformers.config import read_config
from qbench_transformers.find import WEIGHTS, only, small_files
from qbench_transformers.fingerprint import fingerprint
from qbench_transformers.folder import FolderWeights, said_as_errors_of_models
from qbench_transformers.preprocessing import read_preprocessing
from qbench_transformers.tensors import CONSTANT, check_tensors
from qbench_transformers.tokenizer import EndOf, KeptTokens, check_texts, check_tokenizer_files, load_tokenizer

if TYPE_CHECKING:
    from qbench_transformers.encoder import DualEncoder

CHECKING = ("qbench-vlm", "torch", "transformers", "tokenizers", "safetensors")
"""The distributions that decide whether the files of a checkpoint are found to belong together."""


@cache
def _checked_by() -> dict[str, str]:
    """Their versions, read once: the code that is imported remains the same."""
    return {name: version(name) for name in CHECKING}


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
    tokenizer : tuple of tuple of str
        The sets of files of which a folder needs one, so that its tokenizer can be made.
    clean : callable
        Cleans a text before the tokenizer gets it.
    end_of : callable or None
        Where the model reads the embedding of a text; see `qbench_transformers.tokenizer.check_texts`.
    """

    model_type: str
    architecture: str
    tokenizer: tuple[tuple[str, ...], ...]
    clean: Callable[[str], str] = as_it_is
    end_of: EndOf | None = None

    def check(self, config: Path) -> None:
        """Raise `ModelError` if a ``config.json`` belongs to another family, or would have code run."""
        found = read_config(config).get("model_type")
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
        Files are missing or truncated, belong to another family, or do not belong together: the tensors are not those
        of the configuration, or the model would not read the texts that the tokenizer gives it.
    """

    def __init__(
        self, folder: Path, identity: Identity, family: Family, preprocessing: Preprocessing | None = None
    ) -> None:
        family.check(folder / "config.json")
        check_tokenizer_files(folder, family.tokenizer)
        self.folder, self.identity, self.family = folder, identity, family
        self.preprocessing = preprocessing or read_preprocessing(folder)
        self._tokens = KeptTokens()
        self._check_once()

    def _check_once(self) -> None:
        """Check these files with these versions, unless that was done before: checking imports torch."""
        decided_by = {
            "files": fingerprint(self.folder / WEIGHTS),
            "family": [self.family.model_type, self.family.architecture],
            "versions": _checked_by(),
        }
        cached_folder("checked", decided_by, self._check)

    def _check(self, folder: Path) -> None:
        self.check_that_all_fits()
        (folder / "checked.txt").write_text(f"{self.identity.source}/{self.identity.checkpoint}\n", encoding="utf-8")

    def check_that_all_fits(self) -> None:
        """Check tensors and texts without loading the weights; raises `ModelError`."""
        with said_as_errors_of_models(self.folder):
            model, tokenizer = self.skeleton(), load_tokenizer(self.folder)
        check_tensors(self.folder / WEIGHTS, model, quantized=self.stored_quantized)
        check_texts(tokenizer, model.config, self.family.end_of, where=str(self.folder))

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
        import torch
        import transformers

        from qbench_transformers.encoder import DualEncoder

        options: dict[str, Any] = {
            "dtype": getattr(torch, dtype),
            "local_files_only": True,
            "use_safetensors": True,
            "output_loading_info": True,
            **how,
        }
        with said_as_errors_of_models(self.folder):
            with only([self.folder / WEIGHTS, *small_files(self.folder)]) as view:
                model, loading = getattr(transformers, self.family.architecture).from_pretrained(
                    view, trust_remote_code=False, **options
                )
            tokenizer = load_tokenizer(self.folder)
        # transformers would use random numbers, or leave a tensor out, with only a warning.
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            wrong = [name for name in map(str, loading[kind]) if not name.endswith(CONSTANT)]
            if wrong:
                raise ModelError(
                    f"{len(wrong)} tensors of a {self.family.architecture} are {kind.partition('_')[0]}, such as "
                    f"{min(wrong)}",
                    where=str(self.folder),
                )
        if "device_map" not in how:
            model = model.to(device)
        return DualEncoder(
            model.eval(), tokenizer, self.preprocessing, device, clean=self.family.clean, tokens=self._tokens
        )
