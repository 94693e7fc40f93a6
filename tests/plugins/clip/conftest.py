"""Small random CLIPs of open_clip's, and pages of a hub that is not there: what the sources find and convert."""

import hashlib
from pathlib import Path

import pytest

KINDS = {
    "ViT-B-32": {"vision": {"image_size": 64, "width": 128}, "text": {"width": 64, "heads": 1}, "embed_dim": 64},
    "ViT-B-16": {"vision": {"image_size": 64, "width": 192}, "text": {"width": 128, "heads": 2}, "embed_dim": 128},
    "ViT-L-14": {"vision": {"image_size": 56, "width": 256}, "text": {"width": 192, "heads": 3}, "embed_dim": 192},
}
COMMIT = "0123abc"


@pytest.fixture(scope="session")
def narrow():
    """open_clip's own configuration of a name, narrow and two layers deep; patch and head width stay."""
    import open_clip

    known = {name: open_clip.get_model_config(name) for name in KINDS}

    def settings(name: str) -> dict:
        kind, config = KINDS[name], known[name]
        towers = {f"{tower}_cfg": config[f"{tower}_cfg"] | kind[tower] | {"layers": 2} for tower in ("vision", "text")}
        return config | towers | {"embed_dim": kind["embed_dim"]}

    return settings


@pytest.fixture
def small(monkeypatch, narrow):
    """open_clip's table of architectures with the three sizes made small."""
    import open_clip

    for name in KINDS:
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, narrow(name))


@pytest.fixture(scope="session")
def random_clip():
    """open_clip's own model of a configuration, with random weights."""
    import torch
    from open_clip.model import CLIP

    def make(config: dict, seed: int = 0) -> CLIP:
        torch.manual_seed(seed)
        model = CLIP(**config).eval()
        with torch.no_grad():  # open_clip begins with zero biases: a bias that gets lost would not be seen
            for name, parameter in model.named_parameters():
                if name.endswith("bias"):
                    parameter.normal_(std=0.1)
        return model

    return make


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty Hugging Face cache, offline; pages are put into it as huggingface_hub lays them out."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def page(repository: str, files: Path | None = None) -> Path:
        """The folder of a page; with the content of `files`, kept as the hub's client keeps it: blobs, and links."""
        base = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        folder = base / "snapshots" / COMMIT
        for made in (base / "refs", base / "blobs", folder):
            made.mkdir(parents=True)
        (base / "refs" / "main").write_text(COMMIT)
        for file in sorted(files.iterdir()) if files else ():
            content = file.read_bytes()
            name = hashlib.sha256(content).hexdigest()
            (base / "blobs" / name).write_bytes(content)
            (folder / file.name).symlink_to(Path("..", "..", "blobs", name))
        return folder

    return page
