"""``manifest.json``: what the maker of embeddings declares, checked. Nothing of it can be measured here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from qbench.api import Coverage, DType, Layer, ModelError, Preprocessing
from qbench.api.benchmarks import read_json
from qbench_embeddings.folders import HOW_TO_GET, MANIFEST


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeclaredLayer(_Strict):
    """One weight matrix, or (with a name that says so) all of a tower that were treated alike."""

    name: str = Field(min_length=1)
    tower: Literal["image", "text", "shared"]
    kind: str = ""
    parameters: int = Field(ge=1)
    quantized: bool
    bits: float = Field(gt=0, le=64)
    reason: str = ""


class DeclaredCoverage(_Strict):
    """What was quantized, as `qbench.api.Coverage` has it; bytes that are not known are left out."""

    layers: tuple[DeclaredLayer, ...] = Field(min_length=1)
    total_parameters: int = Field(ge=1)
    model_bytes: int | None = Field(default=None, ge=1)
    disk_bytes: int | None = Field(default=None, ge=1)


class Manifest(_Strict):
    """The declarations of one variant.

    Attributes
    ----------
    numerics : str
        Runtime with its version, device, kernels, threads: as text, as the report is to show it.
    dimension : int
        Numbers per embedding.
    preprocessing : Preprocessing
        How the images were prepared; it has to be the checkpoint's.
    coverage : DeclaredCoverage
        What was quantized.
    dtype : {"float32", "float16", "bfloat16"}
        The type of the layers that were not.
    kind : {"quantization", "control"}
        ``control``: an export with nothing quantized, for the baseline or the runtime's control arm.
    weights : str
        Fingerprint of the checkpoint (`qbench embeddings list` writes it); compared with it where it is given.
    normalised : bool
        Whether every embedding has length 1; checked where it is declared.
    note : str
        What else a reader of the coverage has to know.
    """

    format: Literal[1]
    numerics: str = Field(min_length=1)
    dimension: int = Field(ge=1)
    preprocessing: Preprocessing
    coverage: DeclaredCoverage
    dtype: DType
    kind: Literal["quantization", "control"] = "quantization"
    weights: str = ""
    normalised: bool = False
    note: str = ""

    @field_validator("format", mode="before")
    @classmethod
    def _whole_number(cls, value: object) -> object:
        if type(value) is not int:  # pydantic takes true and 1.0 for 1
            raise ValueError(f"it is {value!r}, and not the number 1")
        return value

    @model_validator(mode="after")
    def _something_quantized(self) -> Manifest:
        quantized = any(layer.quantized for layer in self.coverage.layers)
        if self.kind == "quantization" and not quantized:
            raise ValueError('no layer is declared quantized; an unquantized export is kind = "control"')
        if self.kind == "control" and quantized:
            raise ValueError("a control arm quantizes nothing, but a layer is declared quantized")
        return self

    def declared(self) -> Coverage:
        """The coverage, marked as declared."""
        kinds = {"kind": "declared"}
        return Coverage(
            layers=tuple(Layer(**{**x.model_dump(), **({} if x.kind else kinds)}) for x in self.coverage.layers),
            total_parameters=self.coverage.total_parameters,
            model_bytes=self.coverage.model_bytes,
            disk_bytes=self.coverage.disk_bytes,
            declared=True,
        )


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a variant.

    Raises
    ------
    ModelError
        It is missing, no JSON, or says what a manifest cannot say.
    """
    path = folder / MANIFEST
    values = read_json(path, error=ModelError, fix=HOW_TO_GET)
    try:
        # As JSON, because only there a list stands for a tuple.
        return Manifest.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        said = [f"{'.'.join(map(str, x['loc'])) or 'the manifest'}: {x['msg']}" for x in error.errors()]
        raise ModelError("\n".join(said).replace("Value error, ", ""), where=str(path)) from None
