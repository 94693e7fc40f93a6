"""What the tasks of declared datasets have in common: their items and attributes, and what is said of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from qbench.data.items import Attribute, Items
from qbench.declared.options import DeclaredOptions
from qbench.declared.protocols import COUNTING
from qbench.declared.schema import Description
from qbench.declared.table import Rows, read_rows

MEASURED = "measured"
"""The fact of an outcome that says with which protocol and settings it is measured."""
PERCEIVED = {
    True: "perceived: what annotators saw in the images, not what the persons are or say",
    False: "reported by the persons themselves, as the dataset says",
}


def attributes_of(description: Description) -> tuple[Attribute, ...]:
    """The groupings, with their pairs: those that are declared, else all pairs where the protocol compares pairs."""
    found = []
    for name, spec in description.attributes.items():
        pairs = spec.disparities() if description.protocol in COUNTING else ()
        found.append(Attribute(name=name, groups=spec.compared(), pairs=pairs))
    return tuple(found)


class DeclaredTask(ABC):
    """What the tasks of all protocols have in common: the items."""

    def __init__(self, description: Description, options: DeclaredOptions) -> None:
        self.description, self.options = description, options
        self.attributes = attributes_of(description)

    def data(self, root: Path) -> Items:
        """Read the table; see `qbench.declared.table`."""
        rows = read_rows(self.description, self.attributes, root)
        return Items(
            table=rows.table,
            images=rows.images,
            root=root,
            attributes=self.attributes,
            annotations=(rows.path, *self._own_files(root)),
            choices={**self._choices(), **self._left_out(rows)},
        )

    @abstractmethod
    def _choices(self) -> dict[str, str]:
        """Every choice that was made, in words."""

    def _own_files(self, root: Path) -> tuple[Path, ...]:
        """Files beside the table that decide a number."""
        return ()

    def _left_out(self, rows: Rows) -> dict[str, str]:
        spec = self.description.table
        said = {
            "image": "cut to the item's box" if spec.box else "the whole image",
            "labels of groups": PERCEIVED[self.description.perceived],
        }
        if spec.keep:
            kept = "; ".join(f"{column} = {', '.join(values)}" for column, values in spec.keep.items())
            said["rows that are used"] = f"those with {kept}; {rows.unused:,} others are left out"
        if spec.leave_out_unlabelled:
            said["items without a group"] = f"{rows.unlabelled:,}, left out"
        return said
