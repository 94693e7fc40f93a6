"""Labels that were changed between two runs: which cell of the older run is the same as one of the newer run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from qbench.errors import InputError
from qbench.results import Results
from qbench.results.effects import NAMES

Names = tuple[str, str, str]
"""Model, quantizer, benchmark."""
ONE = "Map each label to one label."
CLEAR = "Give one of these labels another name in the spec of this run."


def read_renamed(renamed: Iterable[str], old: Results, new: Results) -> Callable[[Names], Names]:
    """The names of a cell of the newer run → its names in the older run.

    All maps apply at once: with ``a=b`` and ``b=c``, the older ``a`` is compared with the newer ``b``, and the older
    ``b`` with the newer ``c``. A label without a map keeps its name.

    Parameters
    ----------
    renamed : iterable of str
        Each ``old=new``: two labels of models, of quantizers or of benchmarks. Labels may contain ``=``.
    old, new : Results
        The two runs.

    Raises
    ------
    qbench.errors.InputError
        A label does not exist, a text can be read in two ways, or a label of one run would be compared with two of the
        other: by two maps, or by a map where this run still has the older label, which is compared with itself.
    """
    of_old, of_new = _labels(old), _labels(new)
    earlier: list[dict[str, str]] = [{}, {}, {}]
    for text in renamed:
        for kind, a, b in _meant(text, of_old, of_new):
            if earlier[kind].setdefault(b, a) != a:
                both = f"{earlier[kind][b]!r} and {a!r}"
                raise InputError(f"{b!r} is given two labels of the older run, {both}", where="--map", fix=ONE)
    for labels, known in zip(earlier, of_new, strict=True):
        _check_one_to_one({b: labels.get(b, b) for b in known}, labels)
    model, quantizer, benchmark = earlier
    return lambda names: (
        model.get(names[0], names[0]),
        quantizer.get(names[1], names[1]),
        benchmark.get(names[2], names[2]),
    )


def _meant(text: str, of_old: list[list[str]], of_new: list[list[str]]) -> list[tuple[int, str, str]]:
    """The kind and the two labels that a map names; a name may be that of a model and of a quantizer."""
    parts = text.split("=")
    splits = [("=".join(parts[:i]), "=".join(parts[i:])) for i in range(1, len(parts))]
    found = [(kind, a, b) for a, b in splits for kind in range(len(NAMES)) if a in of_old[kind] and b in of_new[kind]]
    if not found:
        raise InputError(_unknown(text, splits, of_old, of_new), where="--map", fix=_known(of_old, of_new))
    ways = list(dict.fromkeys(f"{a!r} is now {b!r}" for _, a, b in found))
    if len(ways) > 1:
        raise InputError(f"{text!r} can be read in two ways: {', or '.join(ways)}", where="--map", fix=CLEAR)
    return found


def _check_one_to_one(older: Mapping[str, str], mapped: Mapping[str, str]) -> None:
    """Raise where two labels of this run would be compared with one label of the older run.

    Parameters
    ----------
    older : mapping
        Each label of this run → its label in the older run.
    mapped : mapping
        Those of them that a map names.
    """
    taken: dict[str, str] = {}
    for now, before in older.items():
        first = taken.setdefault(before, now)
        if first == now:
            continue
        if first in mapped and now in mapped:
            what = f"{before!r} of the older run is given to two labels of this run, {first!r} and {now!r}"
            raise InputError(what, where="--map", fix=ONE)
        new = first if first in mapped else now
        raise InputError(
            f"{before!r} of the older run is given to {new!r}, but this run still has {before!r}, which is compared "
            f"with it too",
            where="--map",
            fix=f"Leave out the map; or map the older label of {before!r} too, as OLDER={before}; or check a run "
            f"without {before!r}.",
        )


def _labels(results: Results) -> list[list[str]]:
    """The labels of the models, of the quantizers and of the benchmarks of a run."""
    return [list(dict.fromkeys(cell.names[kind] for cell in results.records)) for kind in NAMES]


def _unknown(text: str, splits: list[tuple[str, str]], of_old: list[list[str]], of_new: list[list[str]]) -> str:
    if not splits:
        return f"{text!r} does not name two labels; it is written as OLD=NEW"
    for a, b in splits:
        if any(b in before and a in now for before, now in zip(of_old, of_new, strict=True)):
            return f"{text!r} is in the wrong order: {b!r} is of the older run, so write it as {b}={a}"
    for a, b in splits:
        if any(a in labels for labels in of_old):
            kinds = " or ".join(kind for kind, labels in zip(NAMES, of_old, strict=True) if a in labels)
            return f"{a!r} is a {kinds} of the older run, and this run has no {kinds} {b!r}"
    return f"the older run has no model, quantizer or benchmark {splits[0][0]!r}"


def _known(of_old: list[list[str]], of_new: list[list[str]]) -> str:
    said = ("; ".join(", ".join(labels) for labels in found if labels) for found in (of_old, of_new))
    return "Labels of the older run: {}. Labels of this run: {}.".format(*said)
