"""CLIP's tokenizer, written from open_clip's merges, gives open_clip's tokens."""

import numpy as np
import pytest

from qbench_clip.tokenizer_files import VOCABULARY, write_clip_tokenizer
from qbench_transformers import encoder as encoder_module
from qbench_transformers import tokenizer as tokenizer_module
from qbench_transformers.tokenizer import KeptTokens

TEXTS = [
    "a photo of a cat.",
    "A  PHOTO of\na Dog's house!!",
    "itap of my tench, Tinca tinca",
    "naïve café – 3.5 % of 10,000 people",
    "日本語 and emoji 🙂",
    "x" * 300,
    "",
    "an origami Granny Smith / a t-shirt (black & white)",
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_same_tokens_as_open_clip(tmp_path):
    import open_clip
    from transformers import AutoTokenizer

    write_clip_tokenizer(tmp_path, 77)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert len(tokenizer) == VOCABULARY == 49_408
    mine = tokenizer(TEXTS, padding="max_length", max_length=77, truncation=True)["input_ids"]
    theirs = open_clip.get_tokenizer("ViT-B-32")(TEXTS).tolist()
    for text, a, b in zip(TEXTS, mine, theirs, strict=True):
        # up to the first end token; open_clip fills up with zeros, transformers with the end token
        end = b.index(VOCABULARY - 1) + 1
        assert a[:end] == b[:end], text


def test_the_variants_of_a_checkpoint_share_the_tokens_of_texts(tiny_clip, open_clip_source, monkeypatch):
    checkpoint, asked = open_clip_source(tiny_clip), []
    tokenize = encoder_module.tokenize
    monkeypatch.setattr(encoder_module, "tokenize", lambda *given: asked.append(given[1]) or tokenize(*given))
    texts = ["a cat", "a dog"]
    first, second = (checkpoint.load(device="cpu", dtype="float32") for _ in range(2))
    alone = open_clip_source(tiny_clip).load(device="cpu", dtype="float32")
    np.testing.assert_array_equal(first.encode_texts(texts), second.encode_texts(texts))
    assert len(asked) == 1
    np.testing.assert_array_equal(alone.encode_texts(texts[::-1]), second.encode_texts(texts[::-1]))  # other order
    assert asked == [texts, texts[::-1], texts[::-1]]


def test_no_more_tokens_are_kept_than_a_bound(monkeypatch):
    monkeypatch.setattr(tokenizer_module, "MOST_KEPT", 3)
    kept, asked = KeptTokens(), []
    for text in ("ab", "cd", "ab", "cd"):
        kept.of(tuple(text), lambda text=text: asked.append(text) or text)
    assert asked == ["ab", "cd", "cd"]
