"""Finding a checkpoint's files: a local folder, the user's Hugging Face cache, or the hub.

The cache is looked at first and offline mode is respected, both by huggingface_hub itself. Of a hub page only the files
that are used are fetched: the first of the weight files that the caller can read, and the small ones beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qbench.api import Located, ModelError

SMALL = (
    "config.json",
    "open_clip_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "spiece.model",
)
"""All that decides an embedding beside the weights."""

TIMEOUT = 20
"""Seconds to wait for the hub's word on a page."""


def locate_path(path: str) -> Located:
    """Whether what an option ``path`` names is there."""
    place = Path(path).expanduser()
    ready = place.exists()
    return Located(ready=ready, where=str(place), how_to_get="" if ready else f"put the checkpoint into {place}")


def locate_hub(repository: str, revision: str, weights: Sequence[str]) -> Located:
    """Whether the Hugging Face cache has one of `weights` of a hub page. Downloads nothing."""
    where = f"{repository}@{revision}"
    if cached(repository, revision, weights) is not None:
        return Located(ready=True, where=where)
    return Located(ready=False, where=where, how_to_get=f"hf download {repository} --revision {revision}")


def weights_in(folder: Path, weights: Sequence[str]) -> Path:
    """The first of the files `weights` that a folder has.

    Raises
    ------
    ModelError
        It has none.
    """
    for name in weights:
        if (folder / name).is_file():
            return folder / name
    there = f"it has none of {', '.join(weights)}" if folder.is_dir() else "the folder does not exist"
    raise ModelError(f"there is no checkpoint: {there}", where=str(folder))


def small_files(folder: Path) -> list[Path]:
    """The configuration and tokenizer files of a folder."""
    return [folder / name for name in SMALL if (folder / name).is_file()]


def cached(repository: str, revision: str, weights: Sequence[str]) -> Path | None:
    """The folder in the user's Hugging Face cache that holds one of `weights`, or `None`."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        for name in weights:
            found = try_to_load_from_cache(repository, name, revision=revision)
            if isinstance(found, str):
                return Path(found).parent
    except HFValidationError as error:
        raise ModelError(
            f"{repository!r} is no hub id ({error})", fix="Use owner/name, or path = … for a folder."
        ) from None
    return None


def fetch(repository: str, revision: str, weights: Sequence[str]) -> Path:
    """The folder with the files, downloaded where the cache lacks them; the cache calls it by its commit.

    Raises
    ------
    ModelError
        The hub cannot be reached (or offline mode is on), or its page has no weights that can be used.
    """
    found = cached(repository, revision, weights)
    if found is not None:
        return found
    from huggingface_hub import HfApi, snapshot_download

    fix = (
        f"On a machine with a network: hf download {repository} --revision {revision}; or name a folder with "
        'options = { path = "…" }.'
    )
    try:
        # One question with a limit; the hub's listing of a tree tries six times and tells of each.
        page = HfApi().model_info(repository, revision=revision, timeout=TIMEOUT)
        files = {file.rfilename for file in page.siblings or ()}
        best = next((name for name in weights if name in files), None)
        if best is None:
            raise ModelError(f"the hub page has none of {', '.join(weights)}", where=repository, fix=fix)
        return Path(snapshot_download(repository, revision=revision, allow_patterns=[best, *SMALL]))
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - the hub's HTTP library is not ours to know, and has errors of its own
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the checkpoint is not on this machine and cannot be fetched ({first})", where=repository, fix=fix
        ) from None
