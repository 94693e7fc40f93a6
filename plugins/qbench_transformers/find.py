"""Finds the files of a checkpoint: in a local folder, in the user's Hugging Face cache, or on the hub.

huggingface_hub reads its cache first and respects offline mode. Of a hub page only the files that are used are
downloaded: the first of the weight files that the caller can read, and the configuration and tokenizer files.
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
"""The files that decide an embedding in addition to the weights."""

TIMEOUT = 20
"""Seconds to wait for the hub's information on a page."""


def locate_path(path: str) -> Located:
    """Whether the path of an option ``path`` exists."""
    place = Path(path).expanduser()
    ready = place.exists()
    return Located(ready=ready, where=str(place), how_to_get="" if ready else f"put the checkpoint into {place}")


def locate_hub(repository: str, revision: str, weights: Sequence[str]) -> Located:
    """Whether one of the files `weights` of a hub page is in the Hugging Face cache. Downloads nothing."""
    where = f"{repository}@{revision}"
    if cached(repository, revision, weights) is not None:
        return Located(ready=True, where=where)
    return Located(ready=False, where=where, how_to_get=f"hf download {repository} --revision {revision}")


def weights_in(folder: Path, weights: Sequence[str]) -> Path:
    """The first of the files `weights` that exists in a folder.

    Raises
    ------
    ModelError
        None of them exists.
    """
    for name in weights:
        if (folder / name).is_file():
            return folder / name
    found = f"the folder has none of {', '.join(weights)}" if folder.is_dir() else "the folder does not exist"
    raise ModelError(f"no checkpoint was found: {found}", where=str(folder))


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
            f"{repository!r} is not a hub ID ({error})", fix="Use owner/name, or path = … for a folder."
        ) from None
    return None


def fetch(repository: str, revision: str, weights: Sequence[str]) -> Path:
    """The folder with the files, which are downloaded if they are not in the cache. Its name is the commit.

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
        f"On a machine with a network, run: hf download {repository} --revision {revision}. Or give a folder with "
        'options = { path = "…" }.'
    )
    try:
        # One request with a time limit; listing a repository would repeat it six times and print each failure.
        page = HfApi().model_info(repository, revision=revision, timeout=TIMEOUT)
        files = {file.rfilename for file in page.siblings or ()}
        best = next((name for name in weights if name in files), None)
        if best is None:
            raise ModelError(f"the hub page has none of {', '.join(weights)}", where=repository, fix=fix)
        return Path(snapshot_download(repository, revision=revision, allow_patterns=[best, *SMALL]))
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - huggingface_hub's HTTP library may raise errors of its own
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the checkpoint is not on this machine and cannot be downloaded ({first})", where=repository, fix=fix
        ) from None
