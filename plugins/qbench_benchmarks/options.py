"""The options of the four benchmarks. Light: what a spec is checked against before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from qbench.data.promptsets import names_of_sets, one_place

Classes = Literal["all", "present"]
Templates = Literal["openai-80", "simple-7", "single"]
Split = Literal["val2017", "karpathy-test"]
Picture = Literal["crop", "full"]
Persons = Literal["all", "single"]
SecondClass = Literal["ignore", "credit"]
SkinCut = Literal["1-3/4-6/7-10", "1-5/6-10", "mean<=5.5", "<=4/>=6"]
Target = Literal["uniform", "gallery"]


def _one_of(name: str, value: object, choices: object) -> None:
    known = get_args(choices)
    if value not in known:
        raise ValueError(f"{name} is {value!r}; it is one of {', '.join(map(repr, known))}")


def _cutoffs(ks: Sequence[int]) -> tuple[int, ...]:
    values = tuple(ks)
    if not values or any(isinstance(k, bool) or not isinstance(k, int) or k < 1 for k in values):
        raise ValueError(f"ks is {list(values)}; it is a list of one or more whole numbers from 1")
    if len(set(values)) < len(values):
        raise ValueError(f"ks is {list(values)}; it names a cut-off twice")
    return values


def _template(template: str) -> None:
    if not one_place(template):
        raise ValueError(f"template is {template!r}; it has exactly one {{}}, where the class name goes")


@dataclass(frozen=True, kw_only=True)
class ImageNetOptions:
    """Options of ImageNet.

    Attributes
    ----------
    classes : {"all", "present"}
        Candidates: all 1,000 classes, or those that have a picture.
    templates : {"openai-80", "simple-7", "single"}
        OpenAI's 80 templates, their subset of 7, or "a photo of a {}." alone.
    """

    classes: Classes = "all"
    templates: Templates = "openai-80"

    def __post_init__(self) -> None:
        """Check the values."""
        _one_of("classes", self.classes, Classes)
        _one_of("templates", self.templates, Templates)


@dataclass(frozen=True, kw_only=True)
class CocoOptions:
    """Options of COCO retrieval.

    Attributes
    ----------
    split : {"val2017", "karpathy-test"}
        ``captions_val2017.json``, or the test pictures of Karpathy's ``dataset_coco.json``.
    ks : tuple of int
        Cut-offs of recall@k; the first one is the main metric's.
    """

    split: Split = "val2017"
    ks: tuple[int, ...] = (1, 5, 10)

    def __post_init__(self) -> None:
        """Check the values; a list of cut-offs becomes a tuple."""
        _one_of("split", self.split, Split)
        object.__setattr__(self, "ks", _cutoffs(self.ks))


@dataclass(frozen=True, kw_only=True)
class FacetOptions:
    """Options of FACET: what the sources leave open.

    Attributes
    ----------
    picture : {"crop", "full"}
        The person's box, or the whole picture (then all persons of a picture get the same answer).
    persons : {"all", "single"}
        All persons, or only those who are alone in their picture and have one class.
    class2 : {"ignore", "credit"}
        Whether a person's second class counts as right too.
    min_group : int
        Fewest persons that *both* groups of a pair need for a class to count in a disparity.
    skin_cut : {"1-3/4-6/7-10", "1-5/6-10", "mean<=5.5", "<=4/>=6"}
        How ten vote counts become a group; see `qbench_benchmarks.facet_groups`.
    classes : {"all", "present"}
        Candidates: all 52 classes, or those that a person has as first class.
    template : str
        The prompt; ``{}`` is the class name, its underscores as spaces.
    """

    picture: Picture = "crop"
    persons: Persons = "all"
    class2: SecondClass = "ignore"
    min_group: int = 10
    skin_cut: SkinCut = "1-3/4-6/7-10"
    classes: Classes = "all"
    template: str = "a photo of a {}."

    def __post_init__(self) -> None:
        """Check the values."""
        _one_of("picture", self.picture, Picture)
        _one_of("persons", self.persons, Persons)
        _one_of("class2", self.class2, SecondClass)
        _one_of("skin_cut", self.skin_cut, SkinCut)
        _one_of("classes", self.classes, Classes)
        if isinstance(self.min_group, bool) or not isinstance(self.min_group, int) or self.min_group < 1:
            raise ValueError(f"min_group is {self.min_group!r}; it is a whole number from 1")
        _template(self.template)


@dataclass(frozen=True, kw_only=True)
class FairFaceOptions:
    """Options of FairFace.

    Attributes
    ----------
    ks : tuple of int
        Cut-offs of the skews; the first one is the main metric's.
    target : {"uniform", "gallery"}
        Shares that the groups should have in the top k: equal ones, or those of all pictures.
    prompts : str or tuple of str
        The name of a prompt set, or the queries themselves.
    """

    ks: tuple[int, ...] = (1000,)
    target: Target = "uniform"
    prompts: str | tuple[str, ...] = "concepts-10"

    def __post_init__(self) -> None:
        """Check the values; lists become tuples."""
        object.__setattr__(self, "ks", _cutoffs(self.ks))
        _one_of("target", self.target, Target)
        if isinstance(self.prompts, str):
            known = names_of_sets()
            if self.prompts not in known:
                raise ValueError(
                    f"prompts is {self.prompts!r}; there are the sets {', '.join(known)}, or give a list of queries"
                )
            return
        queries = tuple(self.prompts)
        if not queries or not all(isinstance(q, str) and q.strip() for q in queries):
            raise ValueError("prompts is a list of one or more queries, none of them empty")
        if len(set(queries)) < len(queries):
            raise ValueError("prompts names a query twice")
        object.__setattr__(self, "prompts", queries)
