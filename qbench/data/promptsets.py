"""Prompt sets: named, versioned and hashed queries, because published results on FairFace differ by their prompts."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from qbench.errors import DataError
from qbench.store.files import parse_toml, read_text

FOLDER = Path(__file__).with_name("prompts")


@dataclass(frozen=True, kw_only=True)
class PromptSet:
    """A set of queries and its origin.

    Attributes
    ----------
    name, version, source : str
        Its name, its edition, and who published it.
    texts : tuple of str
        The texts that are embedded.
    targets : tuple of str
        The queries: the texts themselves, or the terms where the texts of a term are pooled.
    target_of : tuple of int
        The query of each text.
    pool : bool
        Whether the texts of a query are averaged.
    """

    name: str
    version: str
    source: str
    texts: tuple[str, ...]
    targets: tuple[str, ...]
    target_of: tuple[int, ...]
    pool: bool

    def facts(self) -> dict[str, Any]:
        """What is stored with a result: name, version, source, and a hash of everything that decides a number."""
        content = json.dumps([self.texts, self.targets, self.target_of, self.pool], ensure_ascii=True)
        return {
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "sha256": hashlib.sha256(content.encode()).hexdigest(),
        }

    def summary(self) -> str:
        """One line for the table of choices: number of queries, name, version and source."""
        label = f"{self.name} version {self.version}" if self.version else self.name
        return f"{len(self.targets)} queries, prompt set {label} ({self.source})"


def prompt_set_names() -> list[str]:
    """The names of the prompt sets that come with qbench."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def prompt_set(prompts: str | tuple[str, ...]) -> PromptSet:
    """The prompt set with a name, or a set of the given queries.

    Examples
    --------
    >>> prompt_set(("a photo of a doctor", "a photo of a nurse")).summary()
    '2 queries, prompt set custom (the spec)'
    """
    if not isinstance(prompts, str):
        places = tuple(range(len(prompts)))
        return PromptSet(
            name="custom", version="", source="the spec", texts=prompts, targets=prompts, target_of=places, pool=False
        )
    return _filled(tomllib.loads((FOLDER / f"{prompts}.toml").read_text("utf-8")))


def has_one_placeholder(template: str) -> bool:
    """Whether a template has exactly one ``{}``, for the class or the query, and no other field.

    A field such as ``{:.3}`` or ``{[0]}`` would change the text that is put into it.

    Examples
    --------
    >>> has_one_placeholder("a photo of a {}."), has_one_placeholder("a photo"), has_one_placeholder("a {:.3}")
    (True, False, False)
    """
    try:
        fields = [field for _, *field in Formatter().parse(template) if field[0] is not None]
    except ValueError:  # a brace without its other half
        return False
    return fields == [["", "", None]]


def read_prompt_set(path: Path) -> PromptSet:
    """Read a prompt set from a TOML file.

    The keys of the file are ``name``, ``version``, ``source``, ``pool``, ``templates`` (each with one ``{}``) and
    ``terms``.

    Raises
    ------
    DataError
        The file is missing, not TOML, or lacks a key; the message names file and key.
    """
    raw = parse_toml(read_text(path, error=DataError), where=str(path), error=DataError)
    kinds = {"name": str, "version": (str, int), "source": str, "pool": bool, "templates": list, "terms": list}
    for key, kind in kinds.items():
        if not isinstance(raw.get(key), kind):  # type: ignore[arg-type]
            raise DataError(f"the key {key!r} is missing or has a value of the wrong type", where=str(path))
    for key in ("templates", "terms"):
        texts = raw[key]
        if not texts or not all(isinstance(t, str) and t.strip() for t in texts) or len(set(texts)) < len(texts):
            raise DataError(f"{key} has to be a list of one or more different texts", where=str(path))
    wrong = [template for template in raw["templates"] if not has_one_placeholder(template)]
    if wrong:
        raise DataError(f"the template {wrong[0]!r} does not have exactly one {{}}", where=str(path))
    return _filled(raw)


def _filled(raw: Mapping[str, Any]) -> PromptSet:
    filled = [(i, template.format(term)) for i, term in enumerate(raw["terms"]) for template in raw["templates"]]
    texts = tuple(text for _, text in filled)
    pool = bool(raw["pool"])
    return PromptSet(
        name=raw["name"],
        version=str(raw["version"]),
        source=raw["source"],
        texts=texts,
        targets=tuple(raw["terms"]) if pool else texts,
        target_of=tuple(i for i, _ in filled) if pool else tuple(range(len(texts))),
        pool=pool,
    )
