"""Words for the groups of attributes: what a zero-shot classifier of race, gender or age is asked with."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("prompts") / "attributes"


@dataclass(frozen=True, kw_only=True)
class AttributePrompts:
    """A named, versioned set of words.

    Attributes
    ----------
    name, version, source : str
        What it is called, which edition, who published it.
    texts : dict of str to dict of str to tuple of str
        Attribute → group → its texts, which are pooled.
    """

    name: str
    version: str
    source: str
    texts: dict[str, dict[str, tuple[str, ...]]]

    def facts(self, asked: Sequence[str]) -> dict[str, Any]:
        """What a result says about it, with a hash of all that decides a number of the attributes asked."""
        content = json.dumps({name: self.texts[name] for name in asked}, ensure_ascii=True, sort_keys=True)
        return {
            "name": self.name,
            "version": self.version,
            "source": self.source,
            "sha256": hashlib.sha256(content.encode()).hexdigest(),
        }


def names_of_attribute_sets() -> list[str]:
    """Names of the sets that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def attribute_prompts(name: str) -> AttributePrompts:
    """Read the set of a name."""
    raw = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    texts = {
        attribute: {
            group: tuple(template.format(word) for template in said["templates"])
            for group, word in said["words"].items()
        }
        for attribute, said in raw.items()
        if isinstance(said, dict)
    }
    return AttributePrompts(name=raw["name"], version=str(raw["version"]), source=raw["source"], texts=texts)
