"""FairFace retrieval: whom do queries that name no group find?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import Attribute, DataError, Items, Metrics, Outcome, PictureRef, Prompts, Similarity
from qbench.data.promptsets import prompt_set
from qbench.data.tables import Table, read_table, relative, spreadsheet_date, unique
from qbench.metrics.rankings import measure_skew, whole_rankings
from qbench_benchmarks import FAIRFACE
from qbench_benchmarks.options import FairFaceOptions

ATTRIBUTES = (
    Attribute(
        name="race",
        groups=("White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern"),
    ),
    Attribute(name="gender", groups=("Male", "Female")),
    Attribute(
        name="age",
        groups=("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70"),
    ),
)


class FairFace:
    """The task, see `qbench.metrics.interface.Task`."""

    def __init__(self, options: FairFaceOptions | None = None) -> None:
        self.options = options or FairFaceOptions()
        self._prompts = prompt_set(self.options.prompts)

    def data(self, root: Path) -> Items:
        """Read ``fairface_label_val.csv``."""
        names = [attribute.name for attribute in ATTRIBUTES]
        path = root / "fairface_label_val.csv"
        labels = read_table(path, ["file", *names], how_to_get=FAIRFACE.how_to_get)
        files = [relative(name, labels.where(i)).as_posix() for i, name in enumerate(labels.columns["file"])]
        unique(files, "picture", table=labels)
        for attribute in ATTRIBUTES:
            _check(labels, attribute)
        columns = {name: labels.columns[name] for name in names}
        table = pd.DataFrame(
            {"item": files, "label": [""] * len(files), "image": files, **columns}, dtype="str"
        ).assign(picture=np.arange(len(files), dtype=np.int64))
        return Items(
            table=table,
            pictures=tuple(PictureRef(root / file) for file in files),
            root=root,
            attributes=ATTRIBUTES,
            annotations=(path,),
            choices=self._choices(),
        )

    def prompts(self, items: Items) -> Prompts:
        """The queries; the same ones for any items."""
        chosen = self._prompts
        return Prompts(
            texts=chosen.texts,
            targets=chosen.targets,
            target_of=np.array(chosen.target_of, dtype=np.int64),
            pool=chosen.pool,
        )

    def predict(self, similarity: Similarity, items: Items) -> Outcome:
        """Rank the whole gallery for each query; of equal similarities the item that comes first ranks first."""
        names = list(self._prompts.targets)
        return Outcome(
            items=items.table[["item", "label", "image", *(a.name for a in ATTRIBUTES)]].copy(),
            rankings=whole_rankings(similarity, names),
            facts={"queries": names, "prompt_set": self._prompts.facts(), "target": self.options.target, "chance": []},
        )

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Skews at each k and NDKL, by attribute; for each query, and (with an empty class) their mean."""
        return measure_skew(outcome, ATTRIBUTES, self.options.ks, self.options.target, weights)

    def _choices(self) -> dict[str, str]:
        chosen = self._prompts
        label = f"{chosen.name} version {chosen.version}" if chosen.version else chosen.name
        targets = {"uniform": "equal shares of all groups", "gallery": "the shares of all pictures"}
        return {
            "queries": f"{len(chosen.targets)} queries, prompt set {label} ({chosen.source})",
            "desired shares": targets[self.options.target],
            "a group without a hit": "counts as a share of 1/k",
        }


def _check(labels: Table, attribute: Attribute) -> None:
    for row, value in enumerate(labels.columns[attribute.name]):
        if value in attribute.groups:
            continue
        if attribute.name == "age" and spreadsheet_date(value):
            raise DataError(
                f"the age {value!r} is a date: a spreadsheet has turned an age range such as 3-9 into one",
                where=labels.where(row),
                fix="Download the file again and do not save it from a spreadsheet.",
            )
        raise DataError(
            f"the {attribute.name} {value!r} is none of {', '.join(attribute.groups)}", where=labels.where(row)
        )
