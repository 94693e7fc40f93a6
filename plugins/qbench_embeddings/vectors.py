"""Files of embeddings → IDs and an array, checked: ``images`` and ``texts``, as Parquet or ``.npy`` beside ``.json``.

No pickle is read: a ``.npy`` of objects is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from qbench.api import ModelError
from qbench.api.benchmarks import read_json
from qbench_embeddings.folders import HOW_TO_GET
from qbench_embeddings.manifest import Manifest

LENGTH_ONE = 0.01
"""How far from 1 the length of an embedding may be that is declared normalised: bfloat16 rounds by 0.004."""


def look_up(folder: Path, what: str, ids: Sequence[str], manifest: Manifest) -> npt.NDArray[np.float32]:
    """The embeddings of `ids`, in their order.

    Parameters
    ----------
    folder : pathlib.Path
        The folder of a benchmark in that of a variant.
    what : {"images", "texts"}
        Which file.
    ids : sequence of str
        The IDs that are wanted, with or without duplicates. The file may hold more.
    manifest : Manifest
        Dimension, and whether the lengths have to be 1.

    Returns
    -------
    numpy.ndarray
        ``(len(ids), manifest.dimension)`` float32.

    Raises
    ------
    ModelError
        The file is missing or damaged, an ID is missing or duplicate, or an embedding is of another dimension, not
        finite, zero, or (where declared) not of length 1.
    """
    path, names, vectors = _read(folder, what)
    place, wanted = _places(names, path), list(dict.fromkeys(ids))
    missing = [name for name in wanted if name not in place]
    if missing:
        raise ModelError(
            f"{len(missing):,} of {len(wanted):,} {what} are missing, first {missing[0]!r}", where=str(path)
        )
    if vectors.shape[1] != manifest.dimension:
        raise ModelError(
            f"the embeddings have {vectors.shape[1]} numbers, the manifest says {manifest.dimension}", where=str(path)
        )
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite, which is said below
        found = vectors[[place[name] for name in wanted]].astype(np.float32)
    _check(found, wanted, manifest, path)
    row = {name: i for i, name in enumerate(wanted)}
    return found[[row[name] for name in ids]]


def _check(found: npt.NDArray[np.float32], ids: Sequence[str], manifest: Manifest, path: Path) -> None:
    lengths = np.linalg.norm(found.astype(np.float64), axis=1)
    faults = {"are not finite": ~np.isfinite(lengths), "are zero": lengths == 0}
    if manifest.normalised:
        faults["do not have the length 1 that the manifest declares"] = np.abs(lengths - 1) > LENGTH_ONE
    for fault, bad in faults.items():
        if bad.any():
            first = ids[int(np.flatnonzero(bad)[0])]
            raise ModelError(f"{bad.sum():,} of {len(found):,} embeddings {fault}, first {first!r}", where=str(path))


def _places(names: Sequence[str], path: Path) -> dict[str, int]:
    place: dict[str, int] = {}
    duplicates = [name for i, name in enumerate(names) if place.setdefault(name, i) != i]
    if duplicates:
        raise ModelError(f"{len(duplicates):,} duplicate IDs, the first is {duplicates[0]!r}", where=str(path))
    return place


def _read(folder: Path, what: str) -> tuple[Path, list[str], npt.NDArray[Any]]:
    parquet, array = folder / f"{what}.parquet", folder / f"{what}.npy"
    if parquet.is_file() and array.is_file():
        raise ModelError(f"there are both {parquet.name} and {array.name}: which one counts?", where=str(folder))
    if array.is_file():
        return array, *_read_npy(array, folder / f"{what}.json")
    if not parquet.is_file():
        raise ModelError(
            f"there is neither {parquet.name} nor {array.name} with its .json", where=str(folder), fix=HOW_TO_GET
        )
    return parquet, *_read_parquet(parquet)


def _read_npy(path: Path, ids: Path) -> tuple[list[str], npt.NDArray[Any]]:
    with _damage_said(path, "an array of numbers"):
        vectors = np.load(path, allow_pickle=False)
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise ModelError("the file does not hold a table of numbers with one row per embedding", where=str(path))
    names = read_json(ids, error=ModelError, fix=f"It holds the IDs of the rows of {path.name}, in order.")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ModelError("the file does not hold a list of texts", where=str(ids))
    if len(names) != len(vectors):
        raise ModelError(f"{len(names):,} IDs for {len(vectors):,} rows of {path.name}", where=str(ids))
    return names, vectors


def _read_parquet(path: Path) -> tuple[list[str], npt.NDArray[Any]]:
    with _damage_said(path, "a Parquet file"):
        table = pq.read_table(path)
        columns = table.column_names
    for column in ("id", "embedding"):
        if columns.count(column) != 1:
            raise ModelError(f"the column {column!r} is needed, once; there are {columns}", where=str(path))
        if table[column].null_count:
            raise ModelError(f"the column {column!r} has {table[column].null_count:,} gaps", where=str(path))
    names, rows = table["id"], table["embedding"].combine_chunks()
    if not (pa.types.is_string(names.type) or pa.types.is_large_string(names.type)):
        raise ModelError(f"the column 'id' is of {names.type}, not of texts", where=str(path))
    with _damage_said(path, "a Parquet file"):
        return names.to_pylist(), _rows(rows, path)


@contextmanager
def _damage_said(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"the file is damaged, or is not {what} ({error})", where=str(path)) from error


def _rows(rows: Any, path: Path) -> npt.NDArray[Any]:
    """A column of lists as a table.

    Raises
    ------
    ModelError
        They are not lists of numbers, or differ in length.
    """
    kind = rows.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not lists or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise ModelError(f"the column 'embedding' is of {kind}, not of lists of numbers", where=str(path))
    lengths = np.unique(rows.value_lengths().to_numpy(zero_copy_only=False))
    if len(lengths) > 1:
        raise ModelError(f"the embeddings have {lengths[0]} to {lengths[-1]} numbers", where=str(path))
    values = rows.flatten()  # a number that is missing becomes NaN, as pandas writes the one for the other
    width = int(lengths[0]) if len(lengths) else 0
    table: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False).reshape(len(rows), width)
    return table
