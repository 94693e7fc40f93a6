"""What a benchmark evaluates: items, the images they are seen in, and the groups they belong to.

An item is not an image: one image may hold several persons, each an item of its own. The interfaces here are what
benchmark plugins fill in; reading images from disk is the business of the other modules of this room.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from qbench.data.pairs import GroupPair

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from qbench.images.locations import ImageLocation


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A grouping of the items, such as perceived age.

    Attributes
    ----------
    name : str
        The attribute's name in results, such as ``"skin_tone"``.
    groups : tuple of str
        The groups that are compared, in the order of the report. Every other value of the column (``na``,
        ``non_binary``) is an item *without a label to compare*: counted and reported on its own.
    pairs : tuple of (str, str)
        The disparities to measure: first minus second.
    repeats : str
        The attribute of which this is another reading, such as another cut of the skin tones: shown beside it, and left
        out of gates unless a rule names it, because it holds the same people again.
    """

    name: str
    groups: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    repeats: str = ""

    @property
    def group_pairs(self) -> dict[str, GroupPair]:
        """The pairs by their label, which is what a table's ``group`` column holds for a disparity."""
        return {pair.label: pair for pair in (GroupPair(*names) for names in self.pairs)}


@dataclass(frozen=True, kw_only=True)
class Items:
    """The items of a benchmark, in a fixed order.

    Attributes
    ----------
    table : pandas.DataFrame
        One row an item. Columns: ``item`` (str, unique), ``image_index`` (int, an index into `images`), ``label``
        (str, empty where the benchmark has none), one str column for each attribute, named like it; and whatever
        else the benchmark needs to score (for example ``captions``).
    images : tuple of ImageLocation
        The distinct images, each encoded once.
    root : pathlib.Path
        The dataset's folder. Results name images relative to it, so that they can move to another machine.
    attributes : tuple of Attribute
        The groupings of `table`.
    annotations : tuple of pathlib.Path
        The annotation files that were read; their content is part of the dataset's fingerprint.
    choices : dict of str to str
        Every choice that the sources leave open, as it was made, in words; shown in the report.
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
        """The items of `rows` (positions, in the order given), and only the images that they need."""
        import numpy as np

        table = self.table.iloc[np.asarray(rows, dtype=np.int64)].reset_index(drop=True)
        used, position = np.unique(table["image_index"].to_numpy(), return_inverse=True)
        return replace(
            self,
            table=table.assign(image_index=position.astype(np.int64)),
            images=tuple(self.images[i] for i in used),
        )
