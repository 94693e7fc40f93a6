"""A small byte-pair tokenizer in CLIP's file format, learned from the words of the demo."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

CONTEXT_LENGTH = 32
START, END = "<|startoftext|>", "<|endoftext|>"
_END_OF_WORD = "</w>"
# Printable ASCII without capitals: CLIP's tokenizer lowers the case of all text.
_ALPHABET = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
# How CLIP splits a text into words.
_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")

Pair = tuple[str, str]


def learn_merges(texts: Iterable[str], count: int) -> list[Pair]:
    """Learn byte-pair merges.

    Parameters
    ----------
    texts : iterable of str
        The texts to learn from; words that occur more often are merged first.
    count : int
        The maximum number of merges; there are fewer if every word has become one token.

    Returns
    -------
    list of tuple of str
        The merges, in the order in which they apply.
    """
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(_WORDS.findall(text.lower()))
    words = {word: [*word[:-1], word[-1] + _END_OF_WORD] for word in seen}
    merges: list[Pair] = []
    while len(merges) < count:
        pairs: Counter[Pair] = Counter()
        for word, parts in words.items():
            for pair in pairwise(parts):
                pairs[pair] += seen[word]
        if not pairs:
            break
        # Ties are decided by the text of the pair, so that the result does not depend on the order.
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word, parts in words.items():
            words[word] = _merge(parts, best)
    return merges


def _merge(parts: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    for part in parts:
        if merged and (merged[-1], part) == pair:
            merged[-1] += part
        else:
            merged.append(part)
    return merged


def write_tokenizer(folder: Path, texts: Iterable[str], *, merges: int = 800) -> int:
    """Write vocab.json, merges.txt and tokenizer_config.json.

    Parameters
    ----------
    folder : Path
        The folder; it must exist.
    texts : iterable of str
        The texts to learn from.
    merges : int
        The maximum number of merges.

    Returns
    -------
    int
        The size of the vocabulary; the end token has the highest id.
    """
    learned = learn_merges(texts, merges)
    entries = [*_ALPHABET, *(letter + _END_OF_WORD for letter in _ALPHABET)]
    entries += ["".join(pair) for pair in learned]
    # Two sequences of merges can give the same token: it is listed once.
    vocabulary = list(dict.fromkeys([*entries, START, END]))
    ids = {entry: k for k, entry in enumerate(vocabulary)}
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": CONTEXT_LENGTH,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
        "do_lower_case": True,
    }
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=True), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in learned)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return len(vocabulary)
