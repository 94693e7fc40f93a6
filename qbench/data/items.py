"""What a benchmark evaluates: items, their images, and the groups they belong to.

An item is not an image: one image may show several persons, each of whom is an item. Benchmark plugins create the types
of this module; images are only named here, and decoded by `qbench.images`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from qbench.data.pairs import GroupPair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from qbench.images.locations import ImageLocation


RESERVED = frozenset(
    {
        *("item", "image", "image_index", "label", "captions", "prediction", "correct", "rank", "margin"),
        *("runner_up_margin", "confidence", "direction", "query", "metric", "attribute", "group", "class"),
        *("model", "models", "quantizer", "benchmark", "cosine", "before", "after", "agree_before", "agree_after"),
        *("lost", "gained", "value", "n", "order"),
    }
)
"""Names of columns that tables of results have anyway."""

FURTHER_LABEL = re.compile(r"label\d+")
"""The names of columns with further correct classes."""


def is_reserved(name: str) -> bool:
    """Whether results have a column of this name, so that an attribute cannot have it.

    Examples
    --------
    >>> is_reserved("cosine"), is_reserved("label2"), is_reserved("age")
    (True, True, False)
    """
    return name in RESERVED or FURTHER_LABEL.fullmatch(name) is not None


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A grouping of the items, such as perceived age.

    Attributes
    ----------
    name : str
        Its name in results, such as ``"skin_tone"``.
    groups : tuple of str
        The groups that are compared, in the order of the report. An item with any other value in the column (``na``,
        ``non_binary``) has *no group to compare*: such items are counted and reported separately.
    pairs : tuple of (str, str)
        The disparities to measure: first minus second.
    repeats : str
        The attribute that this one groups in another way, such as with another cut of the skin tones. It is shown
        beside that attribute, and left out of gates unless a rule names it, because it consists of the same people.

    Raises
    ------
    ValueError
        Results have a column of this name; or two pairs have the same label (``"x", "y-z"`` and ``"x-y", "z"``), so
        that a table could not tell them apart.
    """

    name: str
    groups: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    repeats: str = ""

    def __post_init__(self) -> None:
        """Refuse what a table could not tell apart."""
        if is_reserved(self.name):
            raise ValueError(f"an attribute cannot be called {self.name!r}; results have a column of that name")
        check_pairs(self.name, self.pairs)

    @property
    def group_pairs(self) -> dict[str, GroupPair]:
        """The pairs by their label, which is what the ``group`` column of a table holds for a disparity."""
        return {pair.label: pair for pair in (GroupPair(*names) for names in self.pairs)}


def check_pairs(attribute: str, pairs: Iterable[tuple[str, str]]) -> None:
    """Raise `ValueError` if two pairs of groups have the same label."""
    by_label: dict[str, tuple[str, str]] = {}
    for names in pairs:
        label = GroupPair(*names).label
        if label in by_label:
            first, second = list(by_label[label]), list(names)
            raise ValueError(f"the pairs {first} and {second} of {attribute!r} have the same label {label!r}")
        by_label[label] = names


@dataclass(frozen=True, kw_only=True)
class Items:
    """The items of a benchmark, in a fixed order.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per item. Columns: ``item`` (str, unique), ``image_index`` (int, an index into `images`), ``label``
        (str, empty where the benchmark has none), one str column per attribute, with its name; and whatever else the
        benchmark needs for its scores (for example ``captions``).
    images : tuple of ImageLocation
        The distinct images, each of which is encoded once.
    root : pathlib.Path
        The dataset's folder. Annotation files lie below it, and so do images that are files.
    attributes : tuple of Attribute
        The groupings of `table`.
    annotations : tuple of pathlib.Path
        The annotation files that were read; their content counts in the dataset's fingerprint.
    choices : dict of str to str
        Every choice that the sources leave open, and what was chosen, in words; shown in the report.
    """

    table: pd.DataFrame
    images: tuple[ImageLocation, ...]
    root: Path
    attributes: tuple[Attribute, ...] = ()
    annotations: tuple[Path, ...] = ()
    choices: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of items."""
        return len(self.table)

    def take(self, rows: Sequence[int] | npt.NDArray[np.integer]) -> Items:
        """The items at the positions `rows`, in that order, with only the images that they need."""
        import numpy as np

        table = self.table.iloc[np.asarray(rows, dtype=np.int64)].reset_index(drop=True)
        used, position = np.unique(table["image_index"].to_numpy(), return_inverse=True)
        return replace(
            self,
            table=table.assign(image_index=position.astype(np.int64)),
            images=tuple(self.images[i] for i in used),
        )
