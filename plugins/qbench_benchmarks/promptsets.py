"""Prompt sets: named, versioned and hashed queries, because published FairFace results differ with the prompts."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def names_of_sets() -> list[str]:
    """Names of the sets that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def prompt_set(prompts: str | tuple[str, ...]) -> PromptSet:
    """Return the set of a name, or a set of the queries that are given."""
    if not isinstance(prompts, str):
        places = tuple(range(len(prompts)))
        return PromptSet(
            name="custom", version="", source="the spec", texts=prompts, targets=prompts, target_of=places, pool=False
        )
    raw = tomllib.loads((FOLDER / f"{prompts}.toml").read_text("utf-8"))
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
