"""Which layers a quantizer changes: two lists of patterns that every quantizer can have among its options.

An ablation is made of them (`qbench.execution.ablation`): variants that change one part of a model only, or all but
one. What they say is known before a model is loaded, so a tower that they leave alone is not asked again.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from qbench.errors import InputError
from qbench.models.interface import DType, Tower

ENCODERS: frozenset[Tower] = frozenset({"image", "text"})
"""The towers of a dual encoder, each of which gives answers of its own."""
WILDCARDS = frozenset("*?[")
HEAD = "#"
"""What stands between the name of an attention module and the number of one of its heads, from 0; no layer has it."""

TOWERS: Mapping[Tower, tuple[str, ...]] = {
    "projector": ("multi_modal_projector", "connector", "merger"),
    "image": ("vision", "visual", "image"),
    "text": ("text", "language", "lm_head"),
}
"""How the names of the modules begin that make up a tower; a projector inside of another tower comes first."""


def tower_of(name: str) -> Tower:
    """The tower to which a layer belongs, by the names that transformers' models use.

    Of a generative model, the image tower is its vision encoder, and the text tower is its language model; the
    projector between them is a part of its own.

    Parameters
    ----------
    name : str
        The path of the layer in the model, such as ``vision_model.encoder.layers.0.mlp.fc1``.

    Returns
    -------
    {"image", "projector", "text", "shared"}
        The tower.

    Examples
    --------
    >>> tower_of("vision_model.encoder.layers.0.mlp.fc1"), tower_of("text_projection"), tower_of("logit_scale")
    ('image', 'text', 'shared')
    >>> tower_of("model.language_model.layers.0.mlp.up_proj"), tower_of("model.visual.merger.mlp.0")
    ('text', 'projector')
    """
    parts = name.removeprefix("model.").split(".")
    if any(part.startswith(TOWERS["projector"]) for part in parts[:2]):
        return "projector"
    if parts[0].startswith(TOWERS["image"]):
        return "image"
    return "text" if parts[0].startswith(TOWERS["text"]) else "shared"


def split_head(name: str) -> tuple[str, int]:
    """The attention module and the number of a head.

    Raises
    ------
    InputError
        It does not end with a number.

    Examples
    --------
    >>> split_head("vision_model.encoder.layers.3.self_attn#5")
    ('vision_model.encoder.layers.3.self_attn', 5)
    """
    module, _, number = name.rpartition(HEAD)
    if not (number.isascii() and number.isdigit()):
        raise InputError(
            f"{name!r} does not name a head", where="only", fix="Write one as vision.layers.3.self_attn#5."
        )
    return module, int(number)


@dataclass(frozen=True, kw_only=True)
class LayerOptions:
    """Which layers a method changes. Make it the base class of a quantizer's options, and honour `left_out`.

    A layer that is left out stays as it is in the control arm of `other_dtype`, bit for bit: the answers of a tower of
    which no layer is chosen are those of that control arm, and are taken from it.

    Attributes
    ----------
    only : tuple of str
        The layers that may be changed, as shell patterns for their names (``text_model.*``); all if empty. Or single
        attention heads (``vision_model.encoder.layers.3.self_attn#5``), of which the slices of the projections are
        changed: see `qbench.models.heads`.
    skip : tuple of str
        Layers to leave out, as such patterns (``*.fc2``).

    Examples
    --------
    >>> options = LayerOptions(only=("text_model.*",), skip=("*.fc2",))
    >>> reasons = options.left_out(["text_model.layers.0.fc1", "text_model.layers.0.fc2", "visual_projection"])
    >>> sorted(reasons.items())
    [('text_model.layers.0.fc2', 'skip = *.fc2'), ('visual_projection', 'not in only')]
    >>> sorted(options.changed_towers)
    ['text']
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    @property
    def other_dtype(self) -> DType:
        """The type of the layers that are not changed."""
        return "float32"

    @property
    def changed_towers(self) -> frozenset[Tower]:
        """The towers of which a layer may be changed, as far as the options say without the model.

        A pattern that begins with a wildcard, and one for a layer that is in neither, may change both.
        """
        if not self.only:
            return ENCODERS
        found: set[Tower] = set()
        for pattern in self.only:
            first = pattern.removeprefix("model.").partition(".")[0]
            tower = "shared" if WILDCARDS & set(first) else tower_of(pattern)
            found |= {tower} & ENCODERS or ENCODERS
        return frozenset(found)

    @property
    def heads(self) -> tuple[str, ...]:
        """The single heads of `only`.

        Raises
        ------
        InputError
            Some of `only` are heads and some are not.
        """
        found = tuple(name for name in self.only if HEAD in name)
        if found and len(found) < len(self.only):
            raise InputError("single heads and whole layers cannot be chosen together", where="only")
        return found

    def left_out(self, names: Iterable[str]) -> dict[str, str]:
        """The layers that are not changed, each with the reason.

        Parameters
        ----------
        names : iterable of str
            All layers that the method could change, by their paths in the model.

        Raises
        ------
        InputError
            A pattern matches none of them, or single heads and whole layers are chosen together.
        """
        every = list(names)
        reasons: dict[str, str] = {}
        if self.only:
            # Of a head the whole projections are quantized; `qbench.models.heads` takes its slices from them.
            patterns = [f"{glob.escape(split_head(head)[0])}.*" for head in self.heads] or self.only
            chosen = {name for pattern in patterns for name in _matched(pattern, every, "only")}
            reasons = dict.fromkeys((name for name in every if name not in chosen), "not in only")
        for pattern in self.skip:
            for name in _matched(pattern, every, "skip"):
                reasons.setdefault(name, f"skip = {pattern}")
        return reasons


def _matched(pattern: str, names: list[str], option: str) -> list[str]:
    found = [name for name in names if fnmatchcase(name, pattern)]
    if not found:
        raise InputError(
            f"the pattern {pattern!r} matches none of the model's {len(names)} Linear layers",
            where=option,
            fix=f"Their names are like {', '.join(names[:2])}.",
        )
    return found
