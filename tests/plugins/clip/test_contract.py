"""The CLIP sources keep to the contract that authors elsewhere are given: by a path, and by the pages of the hub.

The pages are tiny, and laid out as the real ones: OpenAI's in a pickle, LAION's in transformers' format, DataComp's in
open_clip's, and a page that is known by open_clip's name only. Sources find, convert and identify them by themselves.
"""

import json
from pathlib import Path

import pytest

from qbench.api import Checkpoint
from qbench.plugins.registry import installed
from qbench.store.cache import Cache
from qbench.testing import ModelSourceContract, tiny
from qbench_clip.names import HUB_IDS

LAION = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
PAGES = {
    "clip": ("somebody/tiny-clip", "somebody/tiny-clip"),
    "openai": ("ViT-B-32", HUB_IDS["openai"]["ViT-B-32"]),
    "laion": ("ViT-L-14", HUB_IDS["laion"]["ViT-L-14"]),
    "datacomp": ("ViT-B-16", HUB_IDS["datacomp"]["ViT-B-16"]),
    "open_clip": ("ViT-B-32/laion2b_s34b_b79k", LAION),
}
"""Source → a checkpoint of it, and the page where it lies."""

CONFIG = {
    "embed_dim": tiny.WIDTH,
    "vision_cfg": {"image_size": tiny.SIZE, "layers": 2, "width": 128, "patch_size": 8},
    "text_cfg": {"context_length": tiny.CONTEXT, "width": tiny.WIDTH, "heads": 2, "layers": 2},
}


class TestByPath(ModelSourceContract):
    @pytest.fixture(params=["clip"])
    def model(self, request, tiny_clip):
        return {"source": request.param, "checkpoint": "tiny", "options": {"path": str(tiny_clip)}}


@pytest.fixture
def write(tmp_path, narrow, random_clip):
    """The files of a source's page, as the real one has them."""
    from safetensors.torch import load_file, save_file

    def files(source: str, seed: int = 0) -> Path:
        import torch

        folder = tmp_path / f"{source}-{seed}"
        if source in ("clip", "laion", "openai"):
            tiny.write_clip(folder, seed=seed)
        if source == "openai":
            weights = folder / "model.safetensors"
            torch.save(load_file(weights), folder / "pytorch_model.bin")
            weights.unlink()
        if source == "datacomp":
            folder.mkdir()
            vocabulary = tiny.write_tokenizer(folder)
            config = CONFIG | {"text_cfg": {**CONFIG["text_cfg"], "vocab_size": len(vocabulary)}}
            settings = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.4] * 3}}
            (folder / "open_clip_config.json").write_text(json.dumps(settings))
            save_file(random_clip(config, seed).state_dict(), folder / "open_clip_model.safetensors")
        if source == "open_clip":  # its settings and its tokenizer come with the package
            folder.mkdir()
            save_file(random_clip(narrow("ViT-B-32"), seed).state_dict(), folder / "open_clip_model.safetensors")
        return folder

    return files


class TestByTheHub(ModelSourceContract):
    @pytest.fixture(params=PAGES)
    def source(self, request):
        return request.param

    @pytest.fixture
    def found_in(self, source, hub, write, small):
        return hub(PAGES[source][1], write(source))

    @pytest.fixture
    def model(self, source, found_in):
        return {"source": source, "checkpoint": PAGES[source][0]}


CONVERTED = [source for source in PAGES if source not in ("clip", "laion")]


def open_page(source: str) -> Checkpoint:
    record = installed().model(source).record
    return record.open(PAGES[source][0], record.options())


@pytest.mark.parametrize("source", CONVERTED)
def test_a_page_is_converted_once_and_other_weights_by_themselves(source, hub, write, small):
    page = hub(PAGES[source][1], write(source))
    first = open_page(source)
    assert first.identity.revision == page.name
    assert first.folder.is_relative_to(Cache().root / "converted")
    made = (first.folder / "model.safetensors").stat()
    again = open_page(source)
    assert (again.folder, again.identity) == (first.folder, first.identity)
    assert (again.folder / "model.safetensors").stat().st_mtime_ns == made.st_mtime_ns
    other = write(source, seed=1)
    for file in other.iterdir():
        (page / file.name).write_bytes(file.read_bytes())
    changed = open_page(source)
    assert changed.identity.fingerprint != first.identity.fingerprint
    assert changed.folder != first.folder


@pytest.mark.parametrize("source", ["clip", "laion"])
def test_a_page_in_transformers_format_is_read_where_it_lies(source, hub, write):
    page = hub(PAGES[source][1], write(source))
    assert open_page(source).folder == page
    assert not (Cache().root / "converted").exists()
