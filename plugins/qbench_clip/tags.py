"""open_clip's own names: a model and the tag of its pretrained weights, looked up in open_clip's tables.

The tables come with the package, so nothing is asked of the network; reading them imports open_clip, which takes
seconds and is done for no other source.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from qbench.api import ModelError


@dataclass(frozen=True, kw_only=True)
class Named:
    """What open_clip knows by a name.

    Attributes
    ----------
    settings : dict
        ``model_cfg`` and ``preprocess_cfg``, as in an ``open_clip_config.json``.
    repository : str
        The hub page of the weights; empty where no tag was given or they are elsewhere.
    files : tuple of str
        The weight file on that page, where it has a name of its own.
    """

    settings: dict[str, Any]
    repository: str = ""
    files: tuple[str, ...] = ()


def look_up(checkpoint: str) -> Named:
    """``model/tag``, such as ``ViT-B-32/laion2b_s34b_b79k``, or a model alone (then with OpenAI's preprocessing).

    QuickGELU is used where the model's name says so (``ViT-B-32-quickgelu``) *or* the weights were trained with it,
    as the table of tags has it. open_clip goes by the name alone and warns where the two differ; the embeddings are
    wrong then.

    Raises
    ------
    ModelError
        open_clip knows no such model or tag.
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
