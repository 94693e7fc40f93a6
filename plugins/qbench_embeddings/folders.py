"""Which folder is meant: options → paths. Reads nothing but names."""

from __future__ import annotations

from pathlib import Path

from qbench.api import Identity, Located
from qbench.api.probes import folder_name
from qbench_embeddings.options import FolderOptions

MANIFEST = "manifest.json"
HOW_TO_GET = (
    "Embed what `qbench embeddings list SPEC --out LIST` names, and put it into one folder per variant, each with a "
    f"{MANIFEST}; see docs/embeddings.md."
)


def variants_in(folder: Path) -> list[str]:
    """Names of the folders that have a manifest, sorted."""
    return sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}"))


def locate(options: FolderOptions) -> Located:
    """Whether the folder of a model is there and holds a variant."""
    if not options.path:
        return Located(ready=False, where="", how_to_get=f"Set the option path. {HOW_TO_GET}")
    folder = Path(options.path).expanduser()
    return Located(ready=bool(variants_in(folder)), where=str(folder), how_to_get=HOW_TO_GET)


def folder_of(path: str, identity: Identity) -> Path:
    """A path with `{source}` and `{checkpoint}` filled in, reduced as the names of run folders are."""
    filled = path.replace("{source}", folder_name(identity.source)).replace(
        "{checkpoint}", folder_name(identity.checkpoint)
    )
    return Path(filled).expanduser()
