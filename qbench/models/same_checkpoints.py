"""Labels of models that are one checkpoint: wherever checkpoints are counted, it counts once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12
"""Characters of a fingerprint in a sentence."""


def checkpoints_of(fingerprints: Mapping[str, str]) -> dict[str, str]:
    """Label of a model → the first label with the same fingerprint; a label without a fingerprint is its own.

    Examples
    --------
    >>> checkpoints_of({"a": "12ab", "b": "34cd", "again": "12ab", "unknown": ""})
    {'a': 'a', 'b': 'b', 'again': 'a', 'unknown': 'unknown'}
    """
    first: dict[str, str] = {}
    return {label: first.setdefault(known, label) if known else label for label, known in fingerprints.items()}


def same_checkpoints(fingerprints: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each checkpoint that several models of a run are.

    Examples
    --------
    >>> list(same_checkpoints({"a": "12ab", "b": "34cd", "again": "12ab"}))
    ['a and again are the same checkpoint (12ab), which counts once among the checkpoints']
    """
    labels: dict[str, list[str]] = {}
    for label, first in checkpoints_of(fingerprints).items():
        labels.setdefault(first, []).append(label)
    for first, same in labels.items():
        if len(same) > 1:
            names = f"{', '.join(same[:-1])} and {same[-1]}"
            known = fingerprints[first][:SHOWN]
            yield f"{names} are the same checkpoint ({known}), which counts once among the checkpoints"


def one_per_checkpoint(numbers: pd.DataFrame, checkpoints: Mapping[str, str], keys: Sequence[str]) -> pd.DataFrame:
    """Without the rows that give a number of a checkpoint again, under another label.

    Parameters
    ----------
    numbers : pandas.DataFrame
        With the column ``model`` and `keys`.
    checkpoints : mapping
        Of `checkpoints_of`; a model that is not in it is its own checkpoint.
    keys : sequence of str
        The columns that say which number a row is, without ``model``.
    """
    checkpoint = numbers["model"].map(lambda model: checkpoints.get(str(model), str(model)))
    return numbers[~numbers[list(keys)].assign(checkpoint=checkpoint).duplicated()]
