"""CLIP's tokenizer, written from open_clip's merges, gives open_clip's tokens."""

import pytest

from qbench_clip.tokenizer_files import VOCABULARY, write_clip_tokenizer

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
