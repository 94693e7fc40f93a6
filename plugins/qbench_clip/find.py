"""Finding a checkpoint's files: a local folder, the user's Hugging Face cache, or the hub.

The cache is looked at first and offline mode is respected, both by huggingface_hub itself. Of a hub page only the files
that are used are fetched, and safetensors is preferred to everything else.
"""

from __future__ import annotations

from pathlib import Path

from qbench.api import Located, ModelError
from qbench_clip.options import ClipOptions

WEIGHTS = (
    "model.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
)
"""Weight files in the order of preference: transformers' before open_clip's, and pickles (read with
``weights_only=True``) only where a page has nothing else."""

SMALL = (
    "config.json",
    "open_clip_config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
)


def locate(repository: str, options: ClipOptions) -> Located:
    """Whether the files are on this machine. Downloads nothing."""
    if options.path:
        folder = Path(options.path).expanduser()
        ready = weights_in(folder) is not None
        return Located(
            ready=ready, where=str(folder), how_to_get="" if ready else f"put a CLIP checkpoint into {folder}"
        )
    where = f"{repository}@{options.revision}"
    if cached(repository, options.revision) is not None:
        return Located(ready=True, where=where)
    return Located(ready=False, where=where, how_to_get=f"hf download {repository} --revision {options.revision}")


def weights_in(folder: Path) -> Path | None:
    """The weight file of a folder that is preferred, or `None`."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def cached(repository: str, revision: str) -> Path | None:
    """The folder in the user's Hugging Face cache that holds the weights, or `None`."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        for name in WEIGHTS:
            found = try_to_load_from_cache(repository, name, revision=revision)
            if isinstance(found, str):
                return Path(found).parent
    except HFValidationError as error:
        raise ModelError(
            f"{repository!r} is no hub id ({error})", fix="Use owner/name, or path = … for a folder."
        ) from None
    return None


def fetch(repository: str, revision: str) -> Path:
    """The folder with the files, downloaded where the cache lacks them.

    Raises
    ------
    ModelError
        The hub cannot be reached (or offline mode is on), or its page has no weights that can be used.
    """
    found = cached(repository, revision)
    if found is not None:
        return found
    from huggingface_hub import HfApi, snapshot_download

    fix = (
        f"On a machine with a network: hf download {repository} --revision {revision}; or name a folder with "
        'options = { path = "…" }.'
    )
    try:
        files = HfApi().list_repo_files(repository, revision=revision)
        weights = next((name for name in WEIGHTS if name in files), None)
        if weights is None:
            raise ModelError(f"the hub page has none of {', '.join(WEIGHTS)}", where=repository, fix=fix)
        return Path(snapshot_download(repository, revision=revision, allow_patterns=[weights, *SMALL]))
    except (OSError, ValueError, RuntimeError) as error:
        # huggingface_hub's own errors (HTTP, offline, not found) all derive from these three.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the checkpoint is not on this machine and cannot be fetched ({first})", where=repository, fix=fix
        ) from None
