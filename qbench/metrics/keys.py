"""The names of metrics as a type: nobody else parses ``metric@k``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SEPARATOR = "@"


@dataclass(frozen=True, slots=True)
class MetricKey:
    """The name of a metric in a table: its declared name and, where it has one, its cut-off.

    Attributes
    ----------
    name : str
        As `qbench.metrics.interface.MetricInfo` declares it.
    cutoff : int or None
        The k of ``recall@k``; `None` where the metric has none.

    Examples
    --------
    >>> MetricKey.parse("recall@5")
    MetricKey(name='recall', cutoff=5)
    >>> str(MetricKey("max_skew", 100)), str(MetricKey("accuracy"))
    ('max_skew@100', 'accuracy')
    """

    name: str
    cutoff: int | None = None

    @classmethod
    def parse(cls, text: str) -> MetricKey:
        """Read the text of a table's ``metric`` column.

        Raises
        ------
        ValueError
            What follows the ``@`` is not a whole number.
        """
        name, separator, cutoff = text.partition(SEPARATOR)
        if separator and not cutoff.isdecimal():
            raise ValueError(f"{text!r} does not end with a whole number after {SEPARATOR!r}")
        return cls(name, int(cutoff) if separator else None)

    def __str__(self) -> str:
        """The text of a table's ``metric`` column."""
        return self.name if self.cutoff is None else f"{self.name}{SEPARATOR}{self.cutoff}"


def declared_names(metrics: Iterable[str]) -> list[str]:
    """The declared name of each metric of a column, its cut-off aside.

    Examples
    --------
    >>> declared_names(["recall@1", "recall@5", "accuracy"])
    ['recall', 'recall', 'accuracy']
    """
    texts = list(metrics)
    names = {text: MetricKey.parse(text).name for text in dict.fromkeys(texts)}
    return [names[text] for text in texts]
