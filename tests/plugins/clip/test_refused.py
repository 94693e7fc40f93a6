"""Folders whose files do not belong together are refused when they are opened, and name what is wrong.

Each of them loads in transformers without an error, and gives the numbers of a model that nobody has.
"""

import json
import shutil
from contextlib import suppress

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from qbench.api import ModelError
from qbench_clip.tensors import read_weights

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
WEIGHTS = "model.safetensors"


@pytest.fixture
def copy(tiny_clip, tmp_path):
    return shutil.copytree(tiny_clip, tmp_path / "copy")


def change(path, part, **values):
    config = json.loads(path.read_text())
    config[part] |= values
    path.write_text(json.dumps(config))


def rewrite(folder, renamed=lambda name: name, **more):
    tensors = {renamed(name): x for name, x in load_file(folder / WEIGHTS).items()}
    save_file(tensors | more, folder / WEIGHTS, metadata={"format": "pt"})


# --- texts that the model never reads


@pytest.mark.parametrize(
    "gone", [("vocab.json",), ("merges.txt",), ("vocab.json", "merges.txt", "tokenizer_config.json")]
)
def test_a_tokenizer_without_its_files(copy, open_clip_source, gone):
    for name in gone:
        (copy / name).unlink()
    with pytest.raises(
        ModelError, match=r"the tokenizer is missing: .*tokenizer\.json, or vocab\.json and merges\.txt"
    ):
        open_clip_source(copy)


def test_a_page_of_the_hub_without_a_tokenizer(hub, copy, monkeypatch):
    from qbench.plugins.registry import installed
    from qbench_clip.options import ClipOptions

    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (copy / name).unlink()
    hub("acme/clip", copy)
    with pytest.raises(ModelError, match="the tokenizer is missing"):
        installed().model("clip").record.open("acme/clip", ClipOptions())


def test_a_tokenizer_that_knows_no_word(copy, open_clip_source):
    (copy / "vocab.json").write_text(json.dumps({"<|startoftext|>": 0, "<|endoftext|>": 1}))
    with pytest.raises(ModelError, match="gives different texts the same tokens"):
        open_clip_source(copy)


def test_a_list_of_merges_that_was_cut_off(copy, open_clip_source):
    vocabulary = json.loads((copy / "vocab.json").read_text())
    for name in ("at</w>", "cat</w>"):
        vocabulary[name] = len(vocabulary)
    (copy / "vocab.json").write_text(json.dumps(vocabulary))
    (copy / "merges.txt").write_text("#version: 0.2\na t</w>\n")
    with pytest.raises(ModelError, match=r"has 1 tokens that none of its 1 merges makes, such as 'cat</w>': merges"):
        open_clip_source(copy)


def test_a_tokenizer_of_a_larger_vocabulary(copy, open_clip_source):
    vocabulary = json.loads((copy / "vocab.json").read_text())
    (copy / "vocab.json").write_text(json.dumps({word: i + 1000 for word, i in vocabulary.items()}))
    with pytest.raises(ModelError, match=r"has the token \d+, but the model knows 138 tokens only"):
        open_clip_source(copy)


@pytest.mark.parametrize("wrong", [1, 136, 10_000])
def test_an_end_token_that_ends_no_text(copy, open_clip_source, wrong):
    change(copy / "config.json", "text_config", eos_token_id=wrong)
    with pytest.raises(ModelError, match=rf"text_config\.eos_token_id is {wrong}, but the tokenizer ends a text with"):
        open_clip_source(copy)


def test_the_end_token_of_older_checkpoints_reads_texts_to_their_end(copy, tiny_clip, open_clip_source):
    change(copy / "config.json", "text_config", eos_token_id=2)
    mine, theirs = (open_clip_source(x).load(device="cpu", dtype="float32") for x in (copy, tiny_clip))
    np.testing.assert_array_equal(mine.encode_texts(["a cat", "a dog"]), theirs.encode_texts(["a cat", "a dog"]))


# --- weights that are not those of the configuration


def test_a_layer_more_than_the_configuration_has(copy, open_clip_source):
    change(copy / "config.json", "vision_config", num_hidden_layers=1)
    said = (
        r"16 tensors of the file have no place in a CLIPModel .* such as vision_model\.encoder\.layers\.1\.layer_norm1"
    )
    with pytest.raises(ModelError, match=said):
        open_clip_source(copy)


def test_the_same_in_a_pickle(copy, open_clip_source):
    change(copy / "config.json", "vision_config", num_hidden_layers=1)
    torch.save(load_file(copy / WEIGHTS), copy / "pytorch_model.bin")
    (copy / WEIGHTS).unlink()
    with pytest.raises(ModelError, match=r"vision_model\.encoder\.layers\.1\.\S+ does not belong to this architecture"):
        open_clip_source(copy)


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.float8_e4m3fn])
@pytest.mark.parametrize("pickled", [False, True])
def test_quantized_tensors_of_which_no_file_says_the_scale(copy, open_clip_source, kind, pickled):
    name = "vision_model.encoder.layers.0.mlp.fc1.weight"
    tensors = load_file(copy / WEIGHTS)
    tensors[name] = tensors[name].to(kind)
    if pickled:
        torch.save(tensors, copy / "pytorch_model.bin")
        (copy / WEIGHTS).unlink()
    else:
        save_file(tensors, copy / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"mlp\.fc1\.weight is stored as \w+, so it is quantized, and"):
        open_clip_source(copy)


def test_tensors_of_an_adapter_inside_the_weights(copy, open_clip_source):
    rewrite(copy, **{"text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight": torch.zeros(2, 64)})
    with pytest.raises(ModelError, match=r"such as \S+lora_A\.weight\nMerge the adapter into the weights first"):
        open_clip_source(copy)


def test_a_constant_of_older_files_is_ignored(copy, tiny_clip, open_clip_source):
    rewrite(copy, **{"text_model.embeddings.position_ids": torch.arange(16)[None]})
    mine, theirs = (open_clip_source(x).load(device="cpu", dtype="float32") for x in (copy, tiny_clip))
    np.testing.assert_array_equal(mine.encode_images(PIXELS), theirs.encode_images(PIXELS))


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"])
def test_an_adapter_beside_the_weights(copy, open_clip_source, name):
    (copy / name).write_text("{}")
    with pytest.raises(ModelError, match=rf"{name}: an adapter lies beside the weights(.|\n)*Merge"):
        open_clip_source(copy)


# --- files that are read are those of the fingerprint


def test_a_file_that_the_tokenizer_reads_is_part_of_the_fingerprint(copy, tiny_clip, open_clip_source):
    letter = json.loads((copy / "vocab.json").read_text())["a"]
    (copy / "added_tokens.json").write_text(json.dumps({"a": letter}))  # makes "a" a token of its own everywhere
    plain, added = open_clip_source(tiny_clip), open_clip_source(copy)
    assert plain.identity.fingerprint != added.identity.fingerprint
    a, b = (x.load(device="cpu", dtype="float32").encode_texts(["cat", "dog"]) for x in (plain, added))
    assert np.abs(a[0] - b[0]).max() > 1e-3
    np.testing.assert_array_equal(a[1], b[1])


def test_no_other_file_of_the_folder_is_seen(copy, open_clip_source, monkeypatch):
    import transformers

    for name in ("notes.txt", "tokenizer.9.9.9.json", "generation_config.json", "modeling_own.py"):
        (copy / name).write_text("{}")
    seen = set()

    def spy(kind):
        real = kind.from_pretrained

        def from_pretrained(folder, *args, **kwargs):
            seen.update(path.name for path in folder.iterdir())
            return real(folder, *args, **kwargs)

        monkeypatch.setattr(kind, "from_pretrained", from_pretrained)

    spy(transformers.AutoTokenizer)
    spy(transformers.CLIPModel)
    open_clip_source(copy).load(device="cpu", dtype="float32")
    assert seen == {
        *("config.json", WEIGHTS, "preprocessor_config.json"),
        *("tokenizer_config.json", "vocab.json", "merges.txt"),
    }


# --- common forms of weights that are harmless


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "model._orig_mod.module."])
def test_prefixes_of_wrappers(copy, tiny_clip, open_clip_source, prefix):
    rewrite(copy, lambda name: prefix + name)
    mine, theirs = open_clip_source(copy), open_clip_source(tiny_clip)
    assert mine.identity.fingerprint != theirs.identity.fingerprint
    assert mine.weight("visual_projection.weight") is not None
    a, b = (x.load(device="cpu", dtype="float32").encode_images(PIXELS) for x in (mine, theirs))
    np.testing.assert_array_equal(a, b)


def test_prefixes_in_a_training_checkpoint(copy, tiny_clip, open_clip_source):
    state = {f"model.{name}": x for name, x in load_file(copy / WEIGHTS).items()}
    torch.save({"epoch": 3, "global_step": 12, "state_dict": state}, copy / "pytorch_model.bin")
    (copy / WEIGHTS).unlink()
    a, b = (open_clip_source(x).load(device="cpu", dtype="float32").encode_images(PIXELS) for x in (copy, tiny_clip))
    np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_torchscript_archive_is_named_with_a_remedy(copy, open_clip_source):
    (copy / WEIGHTS).unlink()
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(copy / "pytorch_model.bin"))
    with pytest.raises(ModelError, match=r"this is a TorchScript archive(.|\n)*state_dict\(\)") as caught:
        open_clip_source(copy)
    assert "weights_only" not in str(caught.value)


def test_weights_in_several_files_are_named_with_a_remedy(copy, open_clip_source):
    (copy / WEIGHTS).rename(copy / "model-00001-of-00001.safetensors")
    (copy / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(
        ModelError, match=r"split into several files \(model\.safetensors\.index\.json\)(.|\n)*one file"
    ):
        open_clip_source(copy)


def test_a_pickle_of_something_else_than_named_tensors(copy, open_clip_source):
    (copy / WEIGHTS).unlink()
    torch.save([torch.zeros(1)], copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"cannot be read: .*it has no tensors with names"):
        open_clip_source(copy)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_conversion_of_weights_that_change_meanwhile_is_not_kept(copy, open_clip_source, cache, monkeypatch, prefix):
    state = {prefix + name: x for name, x in load_file(copy / WEIGHTS).items()}
    name = WEIGHTS if prefix else "pytorch_model.bin"
    (copy / WEIGHTS).unlink()

    def write(tensors):
        if prefix:
            save_file(tensors, copy / name, metadata={"format": "pt"})
        else:
            torch.save(tensors, copy / name)

    def change_and_copy(source, target):
        write({key: x + 1 for key, x in state.items()})
        return real(source, target)

    write(state)
    real = shutil.copyfile
    monkeypatch.setattr(shutil, "copyfile", change_and_copy)
    with pytest.raises(ModelError, match="files of the checkpoint were changed while they were read"):
        open_clip_source(copy)
    assert not list(cache.rglob("converted/**/config.json"))


# --- what a download leaves behind in place of a file

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 605143284\n"
PAGES = (
    b"<!DOCTYPE html><html><title>Sign in</title></html>",
    b"\xef\xbb\xbf\n<HTML>\n",
    b"<?xml version='1.0'?><Error/>",
)


@pytest.mark.parametrize("name", [WEIGHTS, "config.json", "vocab.json", "merges.txt"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (POINTER, "a Git LFS pointer.*git lfs pull"),
        *((page, "an HTML page.*Download the file again") for page in PAGES),
    ],
    ids=["pointer", "page", "page after a byte order mark", "error of a store"],
)
def test_a_file_that_stands_for_another(copy, open_clip_source, name, content, message):
    (copy / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"(?s){name}: this is {message}"):
        open_clip_source(copy)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "open_clip_pytorch_model.bin", "open_clip_model.safetensors"])
def test_a_pointer_in_place_of_other_formats_of_weights(copy, open_clip_source, name):
    (copy / WEIGHTS).unlink()
    (copy / name).write_bytes(POINTER)
    with pytest.raises(ModelError, match=f"{name}: this is a Git LFS pointer"):
        open_clip_source(copy)


# --- damage of which libraries raise what they do not declare


@pytest.mark.parametrize(("name", "at"), [("merges.txt", 0), ("vocab.json", 28), ("tokenizer_config.json", 0)])
def test_a_damaged_file_of_the_tokenizer_is_an_error_of_the_checkpoint(copy, open_clip_source, name, at):
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(ModelError, match=f"{copy.name}"):
        open_clip_source(copy).load(device="cpu", dtype="float32")


def test_a_pickle_of_tensors_with_any_byte_changed_is_read_or_refused(tmp_path):
    path, refused = tmp_path / "w.pt", 0
    torch.save({"a": torch.ones(2, 3), "b": torch.zeros(4)}, path)
    whole = path.read_bytes()
    for at in [*range(0, len(whole), 9), *range(len(whole) - 450, len(whole), 2)]:  # the directory is at the end
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :])
        refused += 1
        with suppress(ModelError):
            read_weights(path)
            refused -= 1
    assert refused > 50
