"""Rankings of a whole gallery, and their skews for every query, attribute and cut-off, under any weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from qbench.data.items import Attribute
from qbench.data.promptsets import PromptSet
from qbench.metrics.answers import positions
from qbench.metrics.blocks import blocks, gallery_bytes
from qbench.metrics.builder import MetricsBuilder
from qbench.metrics.interface import Metrics, Outcome, Prompts, Similarity
from qbench.metrics.keys import MetricKey
from qbench.metrics.skew import Target, max_skew, min_skew, ndkl, skew, target_shares, top_shares
from qbench.metrics.top import top_items
from qbench.metrics.weights import Floats, item_weights, mean_of_known

DEPTH = "depth"
"""The fact of an outcome that says how many items are in a ranking, where that is not the whole gallery."""


def prompts_of_set(queries: PromptSet) -> Prompts:
    """The queries of a prompt set as the prompts of a task."""
    return Prompts(
        texts=queries.texts,
        targets=queries.targets,
        target_of=np.array(queries.target_of, dtype=np.int64),
        pool=queries.pool,
    )


def measure_skew(
    outcome: Outcome,
    attributes: Sequence[Attribute],
    ks: Sequence[int],
    target: Target,
    weights: npt.NDArray[np.float64] | None,
) -> Metrics:
    """Measure ``max_skew@k``, ``min_skew@k``, ``skew@k`` of each group, and ``ndkl``.

    Skews need the top of each ranking only, and NDKL all of it: rankings that end earlier (`rank_gallery` with a depth)
    have no ``ndkl``.

    The class of a number is its query; the numbers with an empty class are means over the queries.

    Parameters
    ----------
    outcome : Outcome
        ``items`` with one column per attribute; ``rankings`` as `rank_gallery` makes them; ``facts["queries"]``, and
        ``facts["depth"]`` where it has a depth.
    attributes : sequence of Attribute
        The groupings; every item has to be in one of the groups.
    ks : sequence of int
        The cut-offs of the skews.
    target : {"uniform", "gallery"}
        The shares that the groups should have: equal ones, or those of the gallery.
    weights : numpy.ndarray or None
        ``(b, n)``, see `qbench.metrics.interface.Task.measure`.

    Raises
    ------
    ValueError
        An item is in none of the groups, the rankings do not rank the whole gallery, or they end before a cut-off is
        reached.
    """
    queries: list[str] = outcome.facts["queries"]
    order = rankings_by_query(outcome, queries)
    w = item_weights(weights, len(outcome.items))
    columns = np.ascontiguousarray(w.T)
    numbers = MetricsBuilder()
    for attribute in attributes:
        groups = positions(attribute.groups, outcome.items[attribute.name])
        if (groups < 0).any():
            raise ValueError(f"an item is in no group of {attribute.name}")
        n = np.bincount(groups, minlength=len(attribute.groups))
        wanted = target_shares(groups, len(n), target, w)
        for k in ks:
            skews = np.stack([skew(top_shares(groups, len(n), k, ranked, columns), wanted, k) for ranked in order])
            for name, reduce in (("max_skew", max_skew), ("min_skew", min_skew)):
                each = np.stack([reduce(one) for one in skews])
                _add(numbers, str(MetricKey(name, k)), each, len(groups), queries, attribute=attribute.name)
            for g, group in enumerate(attribute.groups):
                _add(
                    numbers,
                    str(MetricKey("skew", k)),
                    skews[:, :, g],
                    int(n[g]),
                    queries,
                    attribute=attribute.name,
                    group=group,
                )
        if order.shape[1] < len(groups):
            continue
        each = np.array([[ndkl(groups[r], d, x[r]) for d, x in zip(wanted, w, strict=True)] for r in order])
        _add(numbers, "ndkl", each, len(groups), queries, attribute=attribute.name)
    return numbers.build()


def rank_gallery(
    similarity: Similarity,
    queries: Sequence[str],
    rows: npt.NDArray[np.int64] | None = None,
    *,
    depth: int | None = None,
) -> pd.DataFrame:
    """Rank the gallery for each query; of equally similar items the one that comes first ranks first.

    Parameters
    ----------
    similarity : Similarity
        The similarity of items and queries.
    queries : sequence of str
        Their names.
    rows : numpy.ndarray, optional
        ``(n,)``, the positions of the items in the gallery; all items if not given.
    depth : int, optional
        Rank only so many of the best items, in one pass and in memory that does not grow with the gallery; the whole
        gallery if not given. A task says it in ``Outcome.facts["depth"]``, for `measure_skew`. The built-in statistics
        of skews and of NDKL need whole rankings; metrics of others have the statistic ``bootstrap``.

    Returns
    -------
    pandas.DataFrame
        ``query`` (categorical) and ``item`` (int32, a position in the gallery), ``n`` or `depth` rows per query, best
        first.
    """
    order = _ranked(similarity, rows) if depth is None else top_items(similarity, depth, rows)
    codes = np.repeat(np.arange(len(order), dtype=np.int32), order.shape[1])
    query = pd.Categorical.from_codes(codes, categories=pd.Index(list(queries)))
    return pd.DataFrame({"query": query, "item": order.ravel()})


def _ranked(similarity: Similarity, rows: npt.NDArray[np.int64] | None) -> npt.NDArray[np.int32]:
    """Positions in the gallery, ``(queries, n)``, best first."""
    items, count = similarity.shape
    gallery = slice(None) if rows is None else rows
    order = np.empty((count, items if rows is None else len(rows)), dtype=np.int32)
    for start, stop in blocks(count, items, gallery_bytes(items)):
        for query, scores in enumerate(similarity.targets(start, stop), start):
            order[query] = np.argsort(-scores[gallery], kind="stable")
    return order


def rankings_by_query(outcome: Outcome, queries: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the stored rankings as ``(queries, n)`` positions in the gallery, or ``(queries, depth)``.

    Raises
    ------
    ValueError
        They are not rankings of the whole gallery (or of the depth that is a fact), in the order of the queries.
    """
    n = min(len(outcome.items), outcome.facts.get(DEPTH, len(outcome.items)))
    table = outcome.rankings
    if table is None or len(table) != n * len(queries):
        raise ValueError(f"there are not {len(queries)} rankings of {n} items")
    if not (table["query"].astype(str).to_numpy() == np.repeat(np.asarray(queries, dtype=object), n)).all():
        raise ValueError("the rankings are not in the order of the queries")
    return table["item"].to_numpy(dtype=np.int64).reshape(len(queries), n)


def _add(
    numbers: MetricsBuilder,
    metric: str,
    each: Floats,
    n: int,
    queries: Sequence[str],
    *,
    attribute: str,
    group: str = "",
) -> None:
    """Add ``(queries, b)`` numbers and, before them, their mean over the queries, whose n is the number of queries."""
    numbers.add(metric, mean_of_known(each.T), len(queries), attribute=attribute, group=group)
    for query, values in zip(queries, each, strict=True):
        numbers.add(metric, values, n, attribute=attribute, group=group, class_=query)
