"""The log-likelihoods of every family are those of transformers' own loss, one answer at a time and not padded."""

import json
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from qbench.api import ModelError
from qbench.api.probes import Chooser, Question
from qbench_generative.families import FAMILIES
from qbench_generative.files import files_of

WHO = Question(text="Who is it?", answers=("doctor", "nurse", "a gardener"))
LIGHT = Question(text="Is the image bright, or is it dark?", answers=("yes", "no"))
ASKED = [(0, WHO), (0, LIGHT), (1, WHO), (2, WHO), (2, LIGHT)]
"""Images and questions of one batch: prompts and answers of several lengths, and images with two questions."""

SEPARATOR = {"qwen2_5_vl": "", "paligemma": "", "blip": ""}
"""What stands between prompt and answer, where it is not a space: these prompts end in a line break, or in nothing."""


@pytest.fixture(params=list(FAMILIES))
def family(request):
    return request.param


@pytest.fixture
def load(family, tiny, open_model):
    def make(**options):
        if family == "qwen2_5_vl":
            options = {"image_size": 56, **options}
        return open_model(tiny(family), **options).load(device="cpu", dtype="float32")

    return make


def asked_of(model, pixels, asked=ASKED):
    found = model.score_answers(pixels, np.array([i for i, _ in asked]), [question for _, question in asked])
    return np.concatenate(found)


def loss_of(folder, family, prompt, image, answer):
    """Minus the log-likelihood of one answer: the loss of its tokens, everything else being labelled −100."""
    import transformers

    name = FAMILIES[family]
    module = getattr(transformers, name.architecture).from_pretrained(folder).eval()
    processor = getattr(transformers, name.processor).from_pretrained(folder)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__", category=DeprecationWarning)  # PaliGemma's processor
        made = processor(text=[prompt], images=[image], return_tensors="pt")
    said = processor.tokenizer(SEPARATOR.get(family, " ") + answer, add_special_tokens=False, return_tensors="pt")
    tokens = said["input_ids"]
    if family == "blip":
        begun = torch.cat([torch.tensor([[module.decoder_start_token_id]]), tokens], dim=1)
        return module(**made, labels=begun).loss.item() * tokens.shape[1]
    made.pop("labels", None)
    length = made["input_ids"].shape[1]
    whole = torch.cat([made["input_ids"], tokens], dim=1)
    labels = torch.cat([torch.full((1, length), -100), tokens], dim=1)
    more = {name: x for name, x in made.items() if name not in ("input_ids", "attention_mask")}
    for name, kind in (("token_type_ids", 1), ("mm_token_type_ids", 0)):
        if name in more:
            more[name] = torch.cat([more[name], torch.full_like(tokens, kind)], dim=1)
    loss = module(input_ids=whole, attention_mask=torch.ones_like(whole), labels=labels, **more).loss
    return loss.item() * tokens.shape[1]


@torch.inference_mode()
def test_they_are_those_of_the_loss(family, load, tiny, pixels_of):
    model, pixels = load(), pixels_of(family)
    assert isinstance(model, Chooser)
    found = asked_of(model, pixels)
    expected = [
        (-loss_of(tiny(family), family, model.prompter.text(question.text), pixels[i], answer), len(answer))
        for i, question in ASKED[1:3]
        for answer in question.answers
    ]
    np.testing.assert_allclose(found[3:8, 0], [loss for loss, _ in expected], atol=1e-4)
    spaces = len(SEPARATOR.get(family, " "))
    np.testing.assert_array_equal(found[3:8, 1], [length + spaces for _, length in expected])


def test_they_follow_the_image_and_not_the_batch(family, load, pixels_of):
    model, pixels = load(), pixels_of(family)
    together = asked_of(model, pixels)
    np.testing.assert_array_equal(together, asked_of(model, pixels))
    alone = [asked_of(model, pixels[i : i + 1], [(0, question)]) for i, question in ASKED]
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-4)
    assert np.abs(together[:3, 0] - together[5:8, 0]).max() > 1e-3  # the same question about another image
    few = load(answers_at_once=3)
    np.testing.assert_allclose(together, asked_of(few, pixels), atol=1e-4)


IMAGE_TOKENS = {"llava": 4, "qwen2_5_vl": 4, "idefics3": 1, "smolvlm": 1, "paligemma": 4, "blip": 0}
"""By hand: an image of 2 × 2 patches (Qwen: 4 × 4), of which Idefics3, SmolVLM and Qwen merge 2 × 2. BLIP's decoder
reads the tower, and its prompt has no tokens of an image."""


def test_a_prompt_has_as_many_tokens_of_an_image_as_the_image_has_features(family, load, pixels_of):
    model = load()
    tokens = model.prompter.prompt(WHO).tokens
    assert int((tokens == getattr(model.module.config, "image_token_id", -1)).sum()) == IMAGE_TOKENS[family]
    if IMAGE_TOKENS[family]:
        with torch.inference_mode():
            features = model._features(model.images(pixels_of(family)))
        assert [len(of_image) for of_image in features] == [IMAGE_TOKENS[family]] * 3


def test_the_side_on_which_a_tokenizer_pads_changes_no_answer(family, load, tiny, open_model, pixels_of, tmp_path):
    folder = shutil.copytree(tiny(family), tmp_path / "copy")
    settings = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    assert settings["padding_side"] == "left"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"padding_side": "right"}), "utf-8")
    options = {"image_size": 56} if family == "qwen2_5_vl" else {}
    other, pixels = open_model(folder, **options).load(device="cpu", dtype="float32"), pixels_of(family)
    assert other.prompter.processor.tokenizer.padding_side == "right"
    np.testing.assert_array_equal(asked_of(other, pixels), asked_of(load(), pixels))


def test_each_image_is_encoded_once(family, load, pixels_of):
    model, pixels = load(), pixels_of(family)
    seen = []
    part = next(
        m for name, m in model.module.named_modules() if name.split(".")[-1] in ("patch_embedding", "patch_embed")
    )
    part.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape))
    asked_of(model, pixels)
    patches = 16 if family == "qwen2_5_vl" else 1  # which reads patches, and not images
    assert [shape[0] for shape in seen] == [3 * patches]


@pytest.mark.parametrize("family", ["llava", "idefics3", "smolvlm", "paligemma"])  # the inputs of others are no images
def test_the_pixels_are_those_of_the_processor(family, load, pixels_of):
    """Mean and standard deviation are applied, and nothing is resized or cut into tiles."""
    model, pixels = load(), pixels_of(family)
    found = model.images(pixels)["pixel_values"].reshape(3, 3, 16, 16).permute(0, 2, 3, 1).numpy()
    expected = (pixels / 255 - [0.5, 0.4, 0.3]) / [0.25, 0.3, 0.2]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_a_checkpoint_with_another_preprocessing_applies_it(family, load, tiny, open_model, pixels_of):
    """As `qbench diagnose --reference` exchanges it, to see what it does."""
    checkpoint = open_model(tiny(family), **({"image_size": 56} if family == "qwen2_5_vl" else {}))
    checkpoint.preprocessing = replace(checkpoint.preprocessing, mean=(0.1, 0.2, 0.3), std=(0.5, 0.4, 0.3))
    other, usual = checkpoint.load(device="cpu", dtype="float32"), load()
    grey = np.full_like(pixels_of(family), 102)
    found, before = (x.images(grey)["pixel_values"].unique().tolist() for x in (other, usual))
    np.testing.assert_allclose(found, sorted((0.4 - m) / s for m, s in ((0.1, 0.5), (0.2, 0.4), (0.3, 0.3))), atol=1e-5)
    assert found != before


@pytest.mark.parametrize("family", ["llava", "blip"])  # the two kinds of models
def test_the_token_that_ends_a_text_counts_where_that_is_asked_for(family, load, pixels_of):
    plain, ended = (asked_of(load(end_of_answer=end), pixels_of(family)) for end in (False, True))
    np.testing.assert_array_equal(plain[:, 1] + 1, ended[:, 1])
    assert (ended[:, 0] < plain[:, 0]).all()


@pytest.mark.parametrize("family", ["llava"])  # no family has files of its own
def test_the_fingerprint_is_of_every_file_and_option(family, tiny, open_model, tmp_path):
    folder = shutil.copytree(tiny(family), tmp_path / "copy")
    before = open_model(folder).identity.fingerprint
    assert open_model(folder).identity.fingerprint == before
    assert open_model(folder, end_of_answer=True).identity.fingerprint != before
    assert open_model(folder, answers_at_once=2).identity.fingerprint != before
    for path in files_of(folder):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if path.suffix == ".safetensors" else content + b"\n")
        assert open_model(folder).identity.fingerprint != before, path.name
        path.write_bytes(content)
    assert {path.name for path in folder.iterdir()} - {path.name for path in files_of(folder)} == {
        "generation_config.json"
    }


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "blip"])  # whose prompt has no image in it
def test_a_mark_for_an_image_in_a_question_is_refused(family, load, pixels_of):
    model = load()
    mark = model.prompter.processor.image_token
    with pytest.raises((ModelError, ValueError, IndexError)):
        asked_of(model, pixels_of(family), [(0, Question(text=f"Who {mark} is it?", answers=("a", "b")))])
