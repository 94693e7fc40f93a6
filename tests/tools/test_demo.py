"""The demo's training still learns from the same texts, and writes what qbench opens."""

import json

import numpy as np
import pytest

from qbench_demo import CHECKPOINTS
from tools.demo.sources import SOURCES, make_examples
from tools.demo.tokenizer import learn_merges
from tools.demo.training_captions import vocabulary_text


def test_the_tokenizer_of_the_checkpoints_is_learned_again():
    known = (CHECKPOINTS / "balanced" / "merges.txt").read_text().splitlines()[1:]
    assert [" ".join(pair) for pair in learn_merges(vocabulary_text(), 15)] == known[:15]  # all of them take long


@pytest.mark.parametrize("source", SOURCES)
def test_training_images_are_the_same_each_time_and_differ_between_parts(source):
    first, captions = make_examples(source, 0, 0, 4)
    again, same = make_examples(source, 0, 0, 4)
    other, _ = make_examples(source, 0, 1, 4)
    assert first.shape == (4, 64, 64, 3)
    assert np.array_equal(first, again)
    assert captions == same
    assert not np.array_equal(first, other)


def test_a_model_is_trained_and_opened(tmp_path, capsys, monkeypatch):
    import torch

    from qbench_clip.checkpoint import open_folder
    from tools.demo import train

    monkeypatch.setattr(train, "_PART", 128)
    threads = torch.get_num_threads()
    try:
        train.train("noisy", tmp_path, seed=3, steps=1, pool=128)
    finally:
        torch.set_num_threads(threads)
    assert json.loads((tmp_path / "training.json").read_text())["images"] == 128
    assert "128 images" in capsys.readouterr().out
    checkpoint = open_folder(tmp_path, source="demo", checkpoint="noisy")
    assert checkpoint.preprocessing.geometry.size == 64
