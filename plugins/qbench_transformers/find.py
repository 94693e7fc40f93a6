"""Finds the files of a checkpoint: in a local folder, in the user's Hugging Face cache, or on the hub.

What is loaded are the weights and the files in `SMALL`, which the fingerprint covers, and no others: libraries read
whatever they find in a folder, so they are given a folder that has nothing else (`only`).

huggingface_hub reads its cache first and respects offline mode. Of a hub page only the files that are used are
downloaded: the first of the weight files that the caller can read, and the configuration and tokenizer files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from qbench.api import Located, ModelError

WEIGHTS = "model.safetensors"
"""The weights in transformers' format."""

SMALL = (
    "config.json",
    "open_clip_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "spiece.model",
)
"""The files that decide an embedding in addition to the weights."""

ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
"""Files of an adapter, such as LoRA's. transformers loads one or not, depending on whether peft is installed."""

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
        None of them exists, or an adapter lies beside them.
    """
    for name in ADAPTERS:
        if (folder / name).is_file():
            raise ModelError(
                "an adapter lies beside the weights, and it is not clear which of the two models is meant",
                where=str(folder / name),
                fix="Merge the adapter into the weights first and save the result into a new folder (in peft: "
                "merge_and_unload). For the model without the adapter, use a folder without its files.",
            )
    for name in weights:
        if (folder / name).is_file():
            return folder / name
    if not folder.is_dir():
        raise ModelError("no checkpoint was found: the folder does not exist", where=str(folder))
    what = f"no checkpoint was found: the folder has none of {', '.join(weights)}"
    raise _without_weights(what, str(folder), [path.name for path in folder.iterdir()])


def _without_weights(what: str, where: str, files: Iterable[str], fix: str = "") -> ModelError:
    """The error for a folder or page without a file of weights; it says so if they are split into several."""
    parts = sorted(name for name in files if name.endswith((".safetensors.index.json", ".bin.index.json")))
    if parts:
        return ModelError(
            f"the weights are split into several files ({parts[0]}), which qbench does not read",
            where=where,
            fix="Save them as one file: load the model with transformers, and call its "
            'save_pretrained(…, max_shard_size="100GB").',
        )
    return ModelError(what, where=where, fix=fix)


def small_files(folder: Path, names: Sequence[str] = SMALL) -> list[Path]:
    """The configuration and tokenizer files of a folder."""
    return [folder / name for name in names if (folder / name).is_file()]


@contextmanager
def only(files: Iterable[Path]) -> Iterator[Path]:
    """A temporary folder with links to `files` and nothing else, for a library that reads whatever it finds."""
    with tempfile.TemporaryDirectory(prefix="qbench-") as name:
        for file in files:
            Path(name, file.name).symlink_to(file.absolute())
        yield Path(name)


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


def fetch(repository: str, revision: str, weights: Sequence[str], also: Sequence[str] = SMALL) -> Path:
    """The folder with the files, which are downloaded if they are not in the cache. Its name is the commit.

    Parameters
    ----------
    repository, revision : str
        The hub's page.
    weights : sequence of str
        Names of files of weights, of which the first that the page has is taken.
    also : sequence of str
        Names, or shell patterns, of the other files that are taken.

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
            raise _without_weights(f"the hub page has none of {', '.join(weights)}", repository, files, fix)
        # With the files of an adapter, so that it is seen and refused.
        return Path(snapshot_download(repository, revision=revision, allow_patterns=[best, *also, *ADAPTERS]))
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - huggingface_hub's HTTP library may raise errors of its own
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"the checkpoint is not on this machine and cannot be downloaded ({first})", where=repository, fix=fix
        ) from None
