"""Code and documentation use plain English: a short list of banned phrases stays out of them.

`docs/glossary.md` says which word to use. Code is searched in full: names, messages, docstrings and comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = {".py", ".md", ".j2", ".css", ".js", ".toml"}

BANNED = {
    r"\bpictures?\b(?! frame)": "say image",
    r"\brooms?\b": "say package, folder or space",
    r"\bsame door\b": "say hook, or leave it out",
    r"\bmade elsewhere\b": "say precomputed",
    r"\bguess(es)? elsewhere\b": "say at chance level on another benchmark",
    r"\bstrangers?\b": "say third-party",
    r"\btwins?\b": "say what is alike",
    r"\b(?<!there )is no (valid )?"
    r"(option|benchmark|model|quantizer|checkpoint|number|name|format|folder|file|group|metric)\b": "say is not a …",
    r"\b(a|an) (row|column|chart|table|dot|mark|bar|line|file|folder|class|group|query|model) (a|an) "
    r"(row|column|item|variant|model|quantizer|run|cell|gap|cut|layer|group|class|query|benchmark|number|change|"
    r"comparison|checkpoint|dot|place|term|person|kind)\b": "say one … per …",
    r"\b(items?|persons?|images?|texts?|bits|numbers) (a|an) (row|second|weight|image|group|batch|embedding|class)\b": (
        "say … per …"
    ),
    r"\bnot yet known\b": "say inconclusive",
    r"\bvouch": "say guarantee, or check",
    r"\bfor who has\b": "say for those who have",
    r"\bsays? (the )?same to (nearly )?all\b": "say gives one answer to nearly all items",
}

ALLOWED = {
    # Options that keep working under their old names.
    "plugins/qbench_benchmarks/options.py": [r'renamed_from\("picture"\)'],
    "qbench/declared/read.py": [r'"picture": "image"'],
    "docs/datasets.md": [r"former name `picture`"],
    # The name of a key in run folders of format 1.
    "qbench/runfolder/upgrade.py": [r"``pictures``", r'"pictures"'],
    # What the drawings of the demo show, and the captions of the demo as they are stored.
    "plugins/qbench_demo/backgrounds.py": [r'"in a room"'],
    "plugins/qbench_demo/captions.py": [r"a picture of"],
}
"""File → what may stand in it although it is banned, as the pattern of the exact text, with the reason above."""


class Found(NamedTuple):
    """A banned phrase: where it is, and what to say in its place."""

    place: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text!r} ({self.advice})"


def files() -> Iterator[Path]:
    for top in ("qbench", "plugins", "docs", "templates"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and "__pycache__" not in path.parts:
                yield path
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md")


def found_in(name: str, source: str) -> list[Found]:
    """The banned phrases of a text; a phrase may go over the end of a line."""
    for pattern in ALLOWED.get(name, ()):
        source = re.sub(pattern, lambda m: "-" * len(m[0]), source)
    flat = re.sub(r"[\s#*>\"]", " ", source)
    flat = re.sub(r" {2,}", lambda m: " " + "\0" * (len(m[0]) - 1), flat)  # of the same length: lines can be counted
    kept = [i for i, c in enumerate(flat) if c != "\0"]
    words = "".join(flat[i] for i in kept)
    return [
        Found(f"{name}:{source.count(chr(10), 0, kept[m.start()]) + 1}", m[0], advice)
        for pattern, advice in BANNED.items()
        for m in re.finditer(pattern, words, re.I)
    ]


def is_glossary(name: str) -> bool:
    """Whether it is the page that lists the words not to use."""
    return name == "docs/glossary.md"


def test_no_banned_phrase() -> None:
    names = {path.relative_to(ROOT).as_posix(): path for path in files()}
    searched = [name for name in names if not is_glossary(name)]
    found = [f for name in searched for f in found_in(name, names[name].read_text(encoding="utf-8"))]
    assert searched
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_every_allowance_is_needed(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    for pattern in ALLOWED[name]:
        assert re.search(pattern, source), f"{name} no longer has {pattern}"


def test_a_banned_phrase_is_found_over_the_end_of_a_line_and_in_a_comment() -> None:
    source = "x = 1\n# This file has a row\n#     a model.\n"
    assert [(f.place, f.text) for f in found_in("x.py", source)] == [("x.py:2", "a row a model")]
    assert found_in("x.py", "one row per model; an imagepicture; classroom") == []
