"""The demo's training still learns from the same texts, and writes what qbench opens."""

import json

import numpy as np
import pytest

from qbench_demo import CHECKPOINTS, GENERATIVE
from tools.demo.questions import make_questions
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


def test_the_tokenizer_of_the_generative_model_is_learned_again():
    from tools.demo.train_generative import make_tokenizer

    known = json.loads((GENERATIVE / "tokenizer.json").read_text())["model"]
    made = json.loads(make_tokenizer().backend_tokenizer.to_str())["model"]
    assert (made["vocab"], made["merges"]) == (known["vocab"], known["merges"])


def test_drawings_with_questions_are_the_same_each_time_and_none_is_one_of_the_dual_encoders():
    pixels, asked = make_questions("balanced", 0, 0, 8)
    again, same = make_questions("balanced", 0, 0, 8)
    assert np.array_equal(pixels, again)
    assert asked == same
    assert {len(row.questions) for row in asked} == {3}
    others, _ = make_examples("balanced", 0, 0, 8)
    assert not {image.tobytes() for image in pixels} & {image.tobytes() for image in others}


def test_only_the_answers_are_learned():
    from tools.demo.train_generative import IMAGE, NOT_LEARNED, make_rows, make_tokenizer

    tokenizer = make_tokenizer()
    rows = make_rows(tokenizer, ["What is in the image?"] * 2, ["teapot", "coffee mug"])
    learned = [row[row != NOT_LEARNED] for row in rows["labels"]]
    assert [tokenizer.decode(row) for row in learned] == [" teapot</s>", " coffee mug</s>"]
    assert (rows["input_ids"] == tokenizer.convert_tokens_to_ids(IMAGE)).sum(1).tolist() == [65, 65]
    assert rows["attention_mask"].sum(1).diff().item() == 1


def test_a_generative_model_is_trained_and_scored_as_the_evaluation_scores_it(tmp_path, capsys, monkeypatch):
    import torch
    from transformers import LlavaForConditionalGeneration

    from qbench.api.probes import Question
    from qbench_generative.checkpoint import open_folder
    from qbench_generative.options import GenerativeOptions
    from tools.demo import train_generative
    from tools.demo.evaluate_generative import QUESTION, likelihoods

    monkeypatch.setattr(train_generative, "_PART", 64)
    threads = torch.get_num_threads()
    try:
        train_generative.train(tmp_path, seed=3, steps=1, pool=64)
    finally:
        torch.set_num_threads(threads)
    assert json.loads((tmp_path / "training.json").read_text())["images"] == 64
    assert "64 images" in capsys.readouterr().out
    pixels, _ = make_questions("balanced", 0, 1, 3)
    jobs = ["doctor", "tennis_player"]
    loaded = LlavaForConditionalGeneration.from_pretrained(tmp_path, dtype=torch.float32).eval()
    expected = likelihoods(loaded, train_generative.make_tokenizer(), pixels, jobs)
    checkpoint = open_folder(tmp_path, GenerativeOptions(), source="demo-generative", checkpoint="balanced")
    question = Question(text=QUESTION, answers=("doctor", "tennis player"))
    found = checkpoint.load(device="cpu", dtype="float32").score_answers(pixels, np.arange(3), [question] * 3)
    np.testing.assert_allclose([row[:, 0] for row in found], expected, atol=1e-4)
