"""Which of the TOML files that users write a file is: so that one that is given in place of another is recognised."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

Kind = Literal["spec", "policy", "dataset.toml"]
KEYS: dict[Kind, frozenset[str]] = {
    "spec": frozenset({"models", "quantizers", "benchmarks"}),
    "policy": frozenset({"rule", "decide", "margins", "waiver"}),
    "dataset.toml": frozenset({"protocol", "table", "attributes", "prompts"}),
}
"""Keys by which a file is recognised, as no file of another kind has them."""
COMMANDS: dict[Kind, str] = {
    "spec": "`qbench plan {}` says what it would run, and whether the data is there.",
    "policy": "`qbench power {}` says what it can decide, and `qbench check RUN --policy {}` applies it.",
    "dataset.toml": "`qbench data check {}` checks its data.",
}


def other_kind(keys: Collection[str], wanted: Kind, where: str) -> tuple[str, str] | None:
    """What a file is that was taken for one of another kind, and what to do with it; None otherwise.

    Parameters
    ----------
    keys : collection of str
        The keys of the whole file.
    wanted : {"spec", "policy", "dataset.toml"}
        What it was taken for.
    where : str
        Its path, as a command takes it.

    Examples
    --------
    >>> other_kind(["name", "models", "benchmarks"], "dataset.toml", "study.toml")[0]
    'this is a spec, and not a dataset.toml'
    """
    if KEYS[wanted] & set(keys):
        return None
    found = next((kind for kind, its in KEYS.items() if its & set(keys)), None)
    return None if found is None else (f"this is a {found}, and not a {wanted}", COMMANDS[found].replace("{}", where))
