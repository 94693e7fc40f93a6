"""Looks up open_clip's names, a model and the tag of its pretrained weights, in the tables of open_clip.

The tables are part of the package, so no network is needed. Reading them imports open_clip, which takes seconds and is
done for this source only.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from qbench.api import ModelError


@dataclass(frozen=True, kw_only=True)
class Named:
    """What open_clip's tables say about a name.

    Attributes
    ----------
    settings : dict
        ``model_cfg`` and ``preprocess_cfg``, as in an ``open_clip_config.json``.
    repository : str
        The hub page of the weights; empty if no tag was given or the weights are not on the hub.
    files : tuple of str
        The weight file on that page, if it does not have a usual name.
    """

    settings: dict[str, Any]
    repository: str = ""
    files: tuple[str, ...] = ()


def look_up(checkpoint: str) -> Named:
    """Look up ``model/tag``, such as ``ViT-B-32/laion2b_s34b_b79k``, or a model alone, with OpenAI's preprocessing.

    QuickGELU is used if the model's name says so (``ViT-B-32-quickgelu``) *or* if the table of tags says that the
    weights were trained with it. open_clip itself uses the name alone and warns if the two differ, and its embeddings
    are then wrong.

    Raises
    ------
    ModelError
        open_clip does not know the model or the tag.
    """
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

    name, _, tag = checkpoint.partition("/")
    model = open_clip.get_model_config(name)
    if model is None:
        close = difflib.get_close_matches(name, open_clip.list_models(), n=3)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise ModelError(
            f"open_clip has no model {name!r}",
            fix=f'{hint}Give checkpoint = "model/tag", such as "ViT-B-32/laion2b_s34b_b79k".',
        )
    if not tag:
        return Named(settings={"model_cfg": model, "preprocess_cfg": {}})
    known = get_pretrained_cfg(name, tag)
    if not known:
        tags = ", ".join(list_pretrained_tags_by_model(name)) or "none"
        raise ModelError(f"open_clip has no weights {tag!r} for {name}", fix=f"It has: {tags}.")
    model["quick_gelu"] = bool(model.get("quick_gelu") or known.get("quick_gelu"))
    preprocess = {key: known[key] for key in ("mean", "std", "interpolation", "resize_mode") if key in known}
    repository, _, file = known.get("hf_hub", "").rpartition("/")
    return Named(
        settings={"model_cfg": model, "preprocess_cfg": preprocess},
        repository=repository,
        files=(file,) if file else (),
    )
