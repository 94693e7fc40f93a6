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
    questions : dict of str to str
        Attribute → what a generative model is asked.
    answers : dict of str to dict of str to str
        Attribute → group → the answer that stands for it.
    """

    name: str
    version: str
    source: str
    texts: dict[str, dict[str, tuple[str, ...]]]
    questions: dict[str, str]
    answers: dict[str, dict[str, str]]

    def facts(self, asked: Sequence[str]) -> dict[str, Any]:
        """What a result says about it, with a hash of all that decides a number of the attributes asked."""
        return self._facts({name: self.texts[name] for name in asked})

    def question_facts(self, asked: Sequence[str]) -> dict[str, Any]:
        """The same of the questions and answers of the attributes asked."""
        return self._facts({name: [self.questions[name], self.answers[name]] for name in asked})

    def _facts(self, decides: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps(decides, ensure_ascii=True, sort_keys=True)
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
    attributes = {name: said for name, said in raw.items() if isinstance(said, dict)}
    texts = {
        name: {
            group: tuple(template.format(word) for template in said["templates"])
            for group, word in said["words"].items()
        }
        for name, said in attributes.items()
    }
    return AttributePrompts(
        name=raw["name"],
        version=str(raw["version"]),
        source=raw["source"],
        texts=texts,
        questions={name: said["question"] for name, said in attributes.items()},
        answers={name: said["words"] for name, said in attributes.items()},
    )
