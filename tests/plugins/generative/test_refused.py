"""Checkpoints and options that would give wrong numbers are refused; weights in several files are read."""

import json
import shutil

import numpy as np
import pytest

from qbench.api import ModelError
from qbench.api.probes import Question
from qbench.plugins.options import InputError, make_options
from qbench_generative.options import GenerativeOptions

WHO = Question(text="Who is it?", answers=("doctor", "nurse"))


@pytest.fixture
def copy(tiny, tmp_path):
    return lambda family: shutil.copytree(tiny(family), tmp_path / "copy")


def change(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def answers_of(checkpoint, pixels):
    return checkpoint.load(device="cpu", dtype="float32").score_answers(pixels, np.zeros(1, dtype=int), [WHO])[0]


def test_a_model_of_another_kind(copy, open_model):
    folder = copy("blip")
    change(folder, architectures=["BlipForConditionalGeneration"])
    with pytest.raises(ModelError, match="a BlipForConditionalGeneration, and not a BlipForQuestionAnswering"):
        open_model(folder)
    change(folder, model_type="clip")
    with pytest.raises(ModelError, match="'clip', which is not one of llava"):
        open_model(folder)


@pytest.mark.parametrize("name", ["someone/kernel", "kernels-community/flash-attn2", "flash_attention_2"])
def test_no_implementation_of_attention_is_fetched_from_elsewhere(copy, open_model, name):
    folder = copy("llava")
    config = json.loads((folder / "config.json").read_text())
    for part in ({"attn_implementation": name}, {"_attn_implementation": {"text_config": name}}):
        change(folder, text_config=config["text_config"] | part)
        with pytest.raises(ModelError, match=rf"config\.json: .*implementation of attention '{name}'"):
            open_model(folder)
    change(folder, text_config=config["text_config"] | {"attn_implementation": "sdpa"})
    open_model(folder).load(device="cpu", dtype="float32")


def test_options_without_a_meaning(tiny, open_model):
    with pytest.raises(ModelError, match="image_size has no meaning"):
        open_model(tiny("llava"), image_size=32)
    with pytest.raises(ModelError, match="50, which is not a multiple of 28"):
        open_model(tiny("qwen2_5_vl"), image_size=50)
    with pytest.raises(ModelError, match="prompt has no meaning for BLIP"):
        open_model(tiny("blip"), prompt="{question}?")
    for wrong in ({"prompt": "Who?"}, {"image_size": -1}, {"answers_at_once": 0}):
        with pytest.raises(InputError):
            make_options(GenerativeOptions, wrong, where="the test")


def test_weights_in_several_files_are_those_in_one(copy, tiny, open_model, pixels_of):
    from safetensors.torch import load_file, save_file

    folder = copy("llava")
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names, where = list(tensors), {}
    for i, part in enumerate((names[::2], names[1::2])):
        file = f"model-0000{i + 1}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
        where |= dict.fromkeys(part, file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    pixels = pixels_of("llava", 1)
    split, whole = open_model(folder), open_model(tiny("llava"))
    np.testing.assert_array_equal(answers_of(split, pixels), answers_of(whole, pixels))
    name = "model.language_model.layers.0.self_attn.q_proj.weight"
    np.testing.assert_array_equal(split.weight(name), whole.weight(name))
    (folder / file).unlink()
    with pytest.raises(ModelError, match="a file of the weights is missing"):
        open_model(folder)
    index.write_text(json.dumps({"weight_map": {"a": "../other.safetensors"}}))
    with pytest.raises(ModelError, match="is not the name of a file of weights in this folder"):
        open_model(folder)


def test_weights_that_lack_a_tensor(copy, open_model):
    from safetensors.torch import load_file, save_file

    folder = copy("llava")
    tensors = load_file(folder / "model.safetensors")
    tensors.pop(next(name for name in tensors if "q_proj" in name))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="1 tensors of a LlavaForConditionalGeneration are missing"):
        open_model(folder).load(device="cpu", dtype="float32")


def test_quantized_weights_of_which_no_file_says_the_scale(copy, open_model):
    import torch
    from safetensors.torch import load_file, save_file

    folder = copy("llava")
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if "q_proj.weight" in name)
    save_file(tensors | {name: tensors[name].to(torch.int8)}, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"q_proj\.weight is stored as I8, so it is quantized"):
        open_model(folder).load(device="cpu", dtype="float32")


def test_a_question_that_is_too_long(tiny, open_model, pixels_of):
    model = open_model(tiny("llava")).load(device="cpu", dtype="float32")
    long = Question(text="x" * 300, answers=("a", "b"))
    with pytest.raises(ModelError, match="but the model reads 256"):
        model.score_answers(pixels_of("llava", 1), np.zeros(1, dtype=int), [long])


def test_the_prompt_of_the_options_takes_the_place_of_the_chat_template(tiny, open_model):
    prompt = "Q: <image> {question} A:"
    model = open_model(tiny("llava"), prompt=prompt).load(device="cpu", dtype="float32")
    assert model.prompter.text("Who?") == "Q: <image> Who? A:"
    usual = open_model(tiny("llava")).load(device="cpu", dtype="float32")
    assert usual.prompter.text("Who?") == "USER: <image>\nWho? ASSISTANT:"


@pytest.mark.parametrize("family", ["blip", "qwen2_5_vl"])  # transformers makes a stub for them, without an error
def test_a_tokenizer_whose_files_are_missing(copy, open_model, family):
    folder = copy(family)
    for file in folder.glob("*token*"):
        file.unlink()
    with pytest.raises(ModelError, match="gives different texts the same tokens"):
        open_model(folder).load(device="cpu", dtype="float32")


def test_answers_with_the_same_tokens(tiny, open_model, pixels_of):
    from tokenizers import normalizers

    for family in ("llava", "blip"):
        model = open_model(tiny(family)).load(device="cpu", dtype="float32")
        model.prompter.processor.tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
        same = Question(text="Who?", answers=("Judge", "judge"))
        with pytest.raises(ModelError, match="'Judge' and 'judge' the same tokens"):
            model.score_answers(pixels_of(family, 1), np.zeros(1, dtype=int), [same])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("<image>{{ messages|length }}", "does not put the question"),
        ("<image>{{ messages[0].content[1].text|upper }}", "does not put the question"),
        ("<image>{{ strftime_now('%d') }}{{ messages[0].content[1].text }}", "puts the date into the prompt"),
        ("<image>{{ ['a', 'b']|random }}{{ messages[0].content[1].text }}", "has the word 'random'"),
        ("<image>{{ lipsum(1) }}{{ messages[0].content[1].text }}", "has the word 'lipsum'"),
        ("{% for x in %}", "cannot be applied .TemplateSyntaxError"),
        ("{{ messages.__class__.__mro__ }}", "cannot be applied .SecurityError"),
        ("{% for i in range(10 ** 9) %}a{% endfor %}", "cannot be applied .OverflowError"),
    ],
)
def test_a_chat_template_with_which_no_question_is_asked(tiny, open_model, template, message):
    model = open_model(tiny("llava")).load(device="cpu", dtype="float32")
    model.prompter.processor.chat_template = template
    with pytest.raises(ModelError, match=message):
        model.prompter.text("Who is it?")


def test_two_files_that_say_different_things_of_images(copy, open_model):
    folder = copy("llava")
    settings = json.loads((folder / "processor_config.json").read_text())["image_processor"]
    other = folder / "preprocessor_config.json"
    other.write_text(json.dumps(settings))
    open_model(folder)
    other.write_text(json.dumps(settings | {"image_mean": [0.5, 0.5, 0.5]}))
    with pytest.raises(ModelError, match=r"image_mean is \[0.5, 0.5, 0.5\], but \[0.5, 0.4, 0.3\] in processor_config"):
        open_model(folder)
