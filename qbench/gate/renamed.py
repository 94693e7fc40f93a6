"""Labels that were changed between two runs: which cell of the older run is the same as one of the newer run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qbench.errors import InputError
from qbench.results import Results
from qbench.results.effects import NAMES

Names = tuple[str, str, str]
"""Model, quantizer, benchmark."""


def read_renamed(renamed: Iterable[str], old: Results, new: Results) -> Callable[[Names], Names]:
    """The names of a cell of the newer run → its names in the older run.

    Parameters
    ----------
    renamed : iterable of str
        Each ``old=new``: two labels of models, of quantizers or of benchmarks. Labels may contain ``=``.
    old, new : Results
        The two runs.

    Raises
    ------
    qbench.errors.InputError
        A label does not exist, or one label is mapped to two.
    """
    of_old, of_new = _labels(old), _labels(new)
    earlier: list[dict[str, str]] = [{}, {}, {}]
    for text in renamed:
        parts = text.split("=")
        splits = [("=".join(parts[:i]), "=".join(parts[i:])) for i in range(1, len(parts))]
        meant = [
            (kind, a, b) for a, b in splits for kind in range(len(NAMES)) if a in of_old[kind] and b in of_new[kind]
        ]
        if not meant:
            raise InputError(_unknown(text, splits, of_old, of_new), where="--map", fix=_known(of_old, of_new))
        for kind, a, b in meant:
            if a in earlier[kind].values() and earlier[kind].get(b) != a:
                raise InputError(f"{a!r} of the older run is given to two labels of this run", where="--map")
            if earlier[kind].setdefault(b, a) != a:
                both = f"{earlier[kind][b]!r} and {a!r}"
                raise InputError(f"{b!r} is given two labels of the older run, {both}", where="--map")
    model, quantizer, benchmark = earlier
    return lambda names: (
        model.get(names[0], names[0]),
        quantizer.get(names[1], names[1]),
        benchmark.get(names[2], names[2]),
    )


def _labels(results: Results) -> list[list[str]]:
    """The labels of the models, of the quantizers and of the benchmarks of a run."""
    return [list(dict.fromkeys(cell.names[kind] for cell in results.records)) for kind in NAMES]


def _unknown(text: str, splits: list[tuple[str, str]], of_old: list[list[str]], of_new: list[list[str]]) -> str:
    if not splits:
        return f"{text!r} does not name two labels; it is written as OLD=NEW"
    for a, b in splits:
        if any(a in labels for labels in of_old):
            kinds = " or ".join(kind for kind, labels in zip(NAMES, of_old, strict=True) if a in labels)
            return f"{a!r} is a {kinds} of the older run, and this run has no {kinds} {b!r}"
    return f"the older run has no model, quantizer or benchmark {splits[0][0]!r}"


def _known(of_old: list[list[str]], of_new: list[list[str]]) -> str:
    said = ("; ".join(", ".join(labels) for labels in found if labels) for found in (of_old, of_new))
    return "Labels of the older run: {}. Labels of this run: {}.".format(*said)
