"""ImageNet's synsets, class names and prompt templates, read from the packages that ship them.

Both are read as *files*: importing timm or open_clip takes seconds (they import torch and every architecture they
have), for a list of names. A missing package is still told apart from a moved file.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path
from types import ModuleType

from qbench.api import DataError, InputError


@cache
def synsets() -> tuple[str, ...]:
    """The 1,000 synsets, sorted: their order is the class index."""
    lines = _shipped("timm", "data/_info/imagenet_synsets.txt").read_text("utf-8").split()
    return tuple(sorted(lines))


@cache
def class_names() -> tuple[str, ...]:
    """open_clip's name of each class, in the order of `synsets`; what the prompts say."""
    return tuple(_metadata().IMAGENET_CLASSNAMES)


@cache
def labels() -> tuple[str, ...]:
    """The name of each class in results: unique, so the two names that two classes share get their synset."""
    count = Counter(class_names())
    return tuple(
        f"{name} ({synset})" if count[name] > 1 else name for synset, name in zip(synsets(), class_names(), strict=True)
    )


def classes_of_one_name() -> tuple[tuple[str, str], ...]:
    """The pairs of classes that open_clip calls by the same name, by their labels.

    Examples
    --------
    >>> classes_of_one_name()[0]
    ('missile (n03773504)', 'missile (n04008634)')
    """
    by_name: dict[str, list[str]] = {}
    for name, label in zip(class_names(), labels(), strict=True):
        by_name.setdefault(name, []).append(label)
    return tuple(pair for same in by_name.values() for pair in combinations(same, 2))


def subset(chosen: int | tuple[str, ...]) -> frozenset[str] | None:
    """The synsets of a subset: the first so many, or those of the names or synsets given; `None` for all.

    Raises
    ------
    InputError
        A name is not one of the classes, or belongs to two of them.
    """
    if not chosen:
        return None
    if isinstance(chosen, int):
        return frozenset(synsets()[:chosen])
    known: dict[str, set[str]] = {}
    for synset, name, label in zip(synsets(), class_names(), labels(), strict=True):
        for word in (synset, name, label):
            known.setdefault(word, set()).add(synset)
    for word in chosen:
        if len(known.get(word, ())) != 1:
            what = "is not one of ImageNet's classes"
            if word in known:
                what = f"belongs to {' and '.join(sorted(known[word]))}"
            raise InputError(
                f"the class {word!r} of the subset {what}",
                where="ImageNet's classes",
                fix="Give a synset, such as n01440764, or a name as open_clip spells it, such as tench.",
            )
    return frozenset(synset for word in chosen for synset in known[word])


def prompts(name: str, templates: str) -> list[str]:
    """The texts of a class: OpenAI's 80 templates (``openai-80``), 7 of them (``simple-7``), or one (``single``)."""
    if templates == "single":
        return [f"a photo of a {name}."]
    known = {"openai-80": "OPENAI_IMAGENET_TEMPLATES", "simple-7": "SIMPLE_IMAGENET_TEMPLATES"}
    return [str(template(name)) for template in getattr(_metadata(), known[templates])]


@cache
def _metadata() -> ModuleType:
    path = _shipped("open_clip", "zero_shot_metadata.py")
    spec = importlib.util.spec_from_file_location("qbench_benchmarks._zero_shot_metadata", path)
    if spec is None or spec.loader is None:
        raise DataError("the class names cannot be read", where=str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _shipped(package: str, name: str) -> Path:
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (path := Path(folder) / name).is_file():
            return path
    what = f"{package} has no {name}" if found else f"{package} is not installed"
    raise DataError(what, where="ImageNet's classes", fix="Install qbench's own versions: pip install qbench-vlm")
