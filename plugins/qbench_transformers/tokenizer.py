"""Loads the tokenizer of a folder, and checks that different texts reach the model as different texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbench.api import ModelError
from qbench_transformers.find import only, small_files

if TYPE_CHECKING:
    import torch

PROBES = ("cat", "dog", "red car", "a photo", "12", "7")
"""Short texts that no tokenizer of a trained model gives the same tokens."""

SAME_CHECKPOINT = "Use the configuration, the tokenizer and the weights of one and the same checkpoint."

MOST_KEPT = 50_000
"""The most texts whose tokens are kept: those of COCO, in about 30 MB at CLIP's 77 tokens of 64 bits."""

EndOf = Callable[[Any, "torch.Tensor"], "torch.Tensor"]
"""``(text configuration, (b, length) tokens) -> (b,)``: the place at which the model reads each text's embedding."""


def check_tokenizer_files(folder: Path, alternatives: Sequence[Sequence[str]]) -> None:
    """Raise `ModelError` if a folder has none of some sets of tokenizer files.

    transformers then makes a tokenizer with an empty vocabulary, without an error.
    """
    missing = [[name for name in names if not (folder / name).is_file()] for names in alternatives]
    if all(missing):
        wanted = ", or ".join(" and ".join(names) for names in alternatives)
        raise ModelError(
            f"the tokenizer is missing: there is no {min(missing, key=len)[0]} (it needs {wanted})",
            where=str(folder),
            fix="Copy all files of the checkpoint, or download it again.",
        )


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder, made of the files that the fingerprint covers and of no other."""
    import transformers

    with only(small_files(folder)) as view:
        return transformers.AutoTokenizer.from_pretrained(view, local_files_only=True, trust_remote_code=False)


def tokenize(tokenizer: Any, texts: Sequence[str], length: int) -> torch.Tensor:
    """Texts → ``(b, length)`` tokens, each cut or padded to the same length."""
    tokens: torch.Tensor = tokenizer(
        list(texts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )["input_ids"]
    return tokens


class KeptTokens:
    """The tokens of the batches of texts that a checkpoint was asked about, for the next variant of it.

    Every variant is asked about the same texts in the same batches, and a tokenizer works on one core while the others
    wait for it.

    Examples
    --------
    >>> kept = KeptTokens()
    >>> kept.of(("a", "b"), lambda: "the tokens"), kept.of(("a", "b"), lambda: "not asked for")
    ('the tokens', 'the tokens')
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], Any] = {}
        self._texts = 0

    def of(self, texts: tuple[str, ...], compute: Callable[[], Any]) -> Any:
        """The tokens of some texts: those that are kept, else computed, and kept up to `MOST_KEPT` texts."""
        found = self._kept.get(texts)
        if found is None:
            found = compute()
            if self._texts + len(texts) <= MOST_KEPT:
                self._kept[texts] = found
                self._texts += len(texts)
        return found


def check_tokens(rows: Sequence[Sequence[int]], words: int, *, where: str) -> None:
    """Raise `ModelError` if the tokens of `PROBES` are those of no tokenizer that belongs to a model.

    Parameters
    ----------
    rows : sequence of sequence of int
        The tokens of each of `PROBES`.
    words : int
        The number of tokens that the model knows.
    where : str
        The folder, for messages.
    """
    if len({tuple(row) for row in rows}) < len(PROBES) / 2:
        raise ModelError(
            "the tokenizer gives different texts the same tokens, so the model could not tell them apart",
            where=where,
            fix=f"Its files are incomplete or damaged. {SAME_CHECKPOINT}",
        )
    largest = max(token for row in rows for token in row)
    if largest >= words:
        raise ModelError(
            f"the tokenizer has the token {largest}, but the model knows {words} tokens only",
            where=where,
            fix=SAME_CHECKPOINT,
        )


def check_texts(tokenizer: Any, config: Any, end_of: EndOf | None, *, where: str) -> None:
    """Raise `ModelError` if the model would not read a text to its end.

    Parameters
    ----------
    tokenizer : transformers tokenizer
        The tokenizer.
    config : transformers configuration
        The model's configuration.
    end_of : callable or None
        Where the embedding of a text is read, for a model in which a token sees only those before it; `None` for one
        that reads all tokens.
    where : str
        The folder, for messages.
    """
    _check_merges(tokenizer, where=where)
    text = config.text_config
    tokens = tokenize(tokenizer, PROBES, text.max_position_embeddings)
    check_tokens(tokens.tolist(), text.vocab_size, where=where)
    if end_of is None:
        return
    read = tokens.gather(1, end_of(text, tokens)[:, None])[:, 0]
    if not set(read.tolist()) <= {tokenizer.eos_token_id, tokenizer.sep_token_id}:
        raise ModelError(
            f"text_config.eos_token_id is {text.eos_token_id}, but the tokenizer ends a text with the token "
            f"{tokenizer.eos_token_id}: the model would not read texts to their end",
            where=where,
            fix=SAME_CHECKPOINT,
        )


def _check_merges(tokenizer: Any, *, where: str) -> None:
    """Raise `ModelError` if CLIP's tokenizer lacks merges, as a file of them that was cut off does.

    It would write words in small pieces that the model has never seen as words, without an error.
    """
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"] if tokenizer.is_fast else {}
    ending = model.get("end_of_word_suffix")
    if model.get("type") != "BPE" or not ending:  # in other kinds, there may be tokens that no merge makes
        return
    made = {"".join(merge) for merge in model["merges"]} | tokenizer.get_added_vocab().keys()
    lost = [token for token in model["vocab"] if len(token.removesuffix(ending)) > 1 and token not in made]
    if lost:
        raise ModelError(
            f"the tokenizer has {len(lost):,} tokens that none of its {len(model['merges']):,} merges makes, such as "
            f"{lost[0]!r}: merges.txt is incomplete or belongs to another vocabulary",
            where=where,
            fix="Copy all files of the checkpoint, or download it again.",
        )
