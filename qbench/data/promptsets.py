"""Prompt sets: named, versioned and hashed queries, because published FairFace results differ with the prompts."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbench.errors import DataError

FOLDER = Path(__file__).with_name("prompts")


@dataclass(frozen=True, kw_only=True)
class PromptSet:
    """Queries and where they come from.

    Attributes
    ----------
    name, version, source : str
        What it is called, which edition, who published it.
    texts : tuple of str
        What is embedded.
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
        """What a result says about it, with a hash of everything that decides a number."""
        content = json.dumps([self.texts, self.targets, self.target_of, self.pool], ensure_ascii=True)
        return {
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "sha256": hashlib.sha256(content.encode()).hexdigest(),
        }

    def summary(self) -> str:
        """How many queries, of which set and edition, and whose: one line for a table of choices."""
        label = f"{self.name} version {self.version}" if self.version else self.name
        return f"{len(self.targets)} queries, prompt set {label} ({self.source})"


def prompt_set_names() -> list[str]:
    """Names of the sets that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def prompt_set(prompts: str | tuple[str, ...]) -> PromptSet:
    """Return the set of a name, or a set of the queries that are given."""
    if not isinstance(prompts, str):
        places = tuple(range(len(prompts)))
        return PromptSet(
            name="custom", version="", source="the spec", texts=prompts, targets=prompts, target_of=places, pool=False
        )
    return _filled(tomllib.loads((FOLDER / f"{prompts}.toml").read_text("utf-8")))


def has_one_placeholder(template: str) -> bool:
    """Whether a template has exactly one ``{}``, where the class or the query goes."""
    try:
        return template.format("\0").count("\0") == 1
    except (IndexError, KeyError, ValueError):
        return False


def read_prompt_set(path: Path) -> PromptSet:
    """Return the set of a file in the format of those that are shipped.

    The keys are ``name``, ``version``, ``source``, ``pool``, ``templates`` (each with one ``{}``) and ``terms``.

    Raises
    ------
    DataError
        The file is missing, no TOML, or lacks a key; the message names file and key.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"the prompt set cannot be read ({error})", where=str(path)) from None
    kinds = {"name": str, "version": (str, int), "source": str, "pool": bool, "templates": list, "terms": list}
    for key, kind in kinds.items():
        if not isinstance(raw.get(key), kind):  # type: ignore[arg-type]
            raise DataError(f"the key {key!r} is missing or of another kind", where=str(path))
    for key in ("templates", "terms"):
        texts = raw[key]
        if not texts or len(set(texts)) < len(texts) or not all(isinstance(t, str) and t.strip() for t in texts):
            raise DataError(f"{key} is a list of one or more texts, all different", where=str(path))
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
