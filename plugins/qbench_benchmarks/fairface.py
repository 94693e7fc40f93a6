"""FairFace retrieval: whom do queries that name no group find?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.api import Items, Metrics, Outcome, Prompts, Similarity
from qbench.metrics.blocks import blocks
from qbench_benchmarks.crossed import crossed
from qbench_benchmarks.fairface_skew import measure_skew
from qbench_benchmarks.fairface_table import ATTRIBUTES, read_faces
from qbench_benchmarks.gallery import balanced, cutoffs
from qbench_benchmarks.options import FairFaceOptions
from qbench_benchmarks.promptsets import prompt_set


class FairFace:
    """The task, see `qbench.metrics.interface.Task`."""

    def __init__(self, options: FairFaceOptions | None = None) -> None:
        self.options = options or FairFaceOptions()
        self.crossings = crossed(ATTRIBUTES, self.options.intersections)
        self.attributes = (*ATTRIBUTES, *self.crossings)
        self._prompts = prompt_set(self.options.prompts)

    def data(self, root: Path) -> Items:
        """Read ``fairface_label_val.csv``."""
        return read_faces(root, self.crossings, self._choices())

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
        rows, facts = self._gallery(items)
        n, queries = len(rows), similarity.shape[1]
        order = np.empty((queries, n), dtype=np.int32)
        for start, stop in blocks(queries, similarity.shape[0]):
            order[start:stop] = np.argsort(-similarity.targets(start, stop)[:, rows], axis=1, kind="stable")
        names = list(self._prompts.targets)
        query = pd.Categorical.from_codes(np.repeat(np.arange(queries), n), categories=pd.Index(names))
        columns = ["item", "label", "image", *(a.name for a in self.attributes)]
        return Outcome(
            items=items.table.loc[rows, columns].reset_index(drop=True),
            rankings=pd.DataFrame({"query": query, "item": order.ravel()}),
            facts={
                "queries": names,
                "prompt_set": self._prompts.facts(),
                "target": self.options.target,
                "gallery": facts,
                "cutoffs": cutoffs(self.options.ks, n),
                "chance": [],
            },
        )

    def measure(self, outcome: Outcome, weights: npt.NDArray[np.float64] | None = None) -> Metrics:
        """Skews at each k and NDKL, by attribute; for each query, and (with an empty class) their mean."""
        ks = list(dict.fromkeys(cutoffs(self.options.ks, len(outcome.items)).values()))
        return measure_skew(outcome, self.attributes, ks, self.options.target, weights)

    def _gallery(self, items: Items) -> tuple[npt.NDArray[np.int64], dict[str, Any]]:
        """Rows of `items` that are ranked: all, or as many of each group; and how many."""
        name = self.options.balance
        if not name:
            return np.arange(len(items), dtype=np.int64), {"items": len(items), "of": len(items)}
        groups = next(a.groups for a in self.attributes if a.name == name)
        rows, each = balanced(items.table[name], groups, items.table["item"], self.options.balance_seed)
        return rows, {"items": len(rows), "of": len(items), "balanced": name, "each": each}

    def _choices(self) -> dict[str, str]:
        chosen, o = self._prompts, self.options
        label = f"{chosen.name} version {chosen.version}" if chosen.version else chosen.name
        targets = {"uniform": "equal shares of all groups", "gallery": "the shares of the pictures that are ranked"}
        gallery = "all pictures"
        if o.balance:
            gallery = f"as many pictures of each {o.balance} as the rarest has, drawn with seed {o.balance_seed}"
        return {
            "queries": f"{len(chosen.targets)} queries, prompt set {label} ({chosen.source})",
            "gallery": gallery,
            "desired shares": targets[o.target],
            "cut-offs": ", ".join(f"{k} of the gallery" if isinstance(k, str) else f"{k:,}" for k in o.ks),
            "a group without a hit": "counts as a share of 1/k",
            "intersections": ", ".join(a.name for a in self.crossings) or "none",
        }
