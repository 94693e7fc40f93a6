"""The options of the built-in benchmarks. Light: what a spec is checked against before anything heavy is imported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from qbench.api import DECIDES_NOTHING, renamed_from
from qbench.api.benchmarks import has_one_placeholder, prompt_set_names
from qbench.api.probes import QuestionOptions
from qbench_benchmarks.attribute_prompts import names_of_attribute_sets

Classes = Literal["all", "present"]
Templates = Literal["openai-80", "simple-7", "single"]
Split = Literal["val2017", "karpathy-test"]
ImageView = Literal["crop", "full"]
Persons = Literal["all", "single"]
SecondClass = Literal["ignore", "credit"]
SkinCut = Literal["1-3/4-6/7-10", "1-5/6-10", "mean<=5.5", "<=4/>=6"]
Target = Literal["uniform", "gallery"]
FACET_ATTRIBUTES = ("gender", "age", "skin_tone")
FAIRFACE_ATTRIBUTES = ("race", "gender", "age")
SHARE = re.compile(r"\d+(\.\d+)?%")


def _one_of(name: str, value: object, choices: object) -> None:
    known = get_args(choices)
    if value not in known:
        raise ValueError(f"{name} is {value!r}; it is one of {', '.join(map(repr, known))}")


def _from_one(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}; it is a whole number from 1")


def _from_zero(name: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is {value!r}; it is a whole number from 0")


def _cutoffs(ks: Sequence[int]) -> tuple[int, ...]:
    values = tuple(ks)
    if not values or any(isinstance(k, bool) or not isinstance(k, int) or k < 1 for k in values):
        raise ValueError(f"ks is {list(values)}; it is a list of one or more whole numbers from 1")
    if len(set(values)) < len(values):
        raise ValueError(f"ks is {list(values)}; it names a cut-off twice")
    return values


def _words(name: str, values: Sequence[str]) -> tuple[str, ...]:
    words = tuple(values)
    if not all(isinstance(word, str) and word.strip() for word in words):
        raise ValueError(f"{name} is a list of names, none of them empty")
    if len(set(words)) < len(words):
        raise ValueError(f"{name} names one twice")
    return words


def _crossings(values: Sequence[Sequence[str]], known: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    made = tuple(tuple(names) for names in values)
    for names in made:
        if len(names) < 2 or len(set(names)) < len(names) or not {*names} <= {*known}:
            raise ValueError(
                f"intersections has {list(names)}; each is a list of two or more of {', '.join(known)}, none twice"
            )
    if len(set(made)) < len(made):
        raise ValueError("intersections names one twice")
    return made


def _template(template: str) -> None:
    if not has_one_placeholder(template):
        raise ValueError(f"template is {template!r}; it has exactly one {{}}, where the class name goes")


@dataclass(frozen=True, kw_only=True)
class ImageNetOptions(QuestionOptions):
    """Options of ImageNet.

    Attributes
    ----------
    classes : {"all", "present"}
        Candidates: all 1,000 classes, or those that have an image.
    candidates : int
        The number of classes with which each image is compared, its own among them; 0 for all of `classes`.
    seed : int
        Of the draw of the others.
    templates : {"openai-80", "simple-7", "single"}
        OpenAI's 80 templates, their subset of 7, or "a photo of a {}." alone.
    subset : int or tuple of str
        Images of these classes only, for trials: names or synsets, or the first so many synsets; empty for all.
    question : str
        What a generative model is asked; its answers are the names of the candidates.
    """

    classes: Classes = "all"
    candidates: int = 0
    seed: int = 0
    templates: Templates = "openai-80"
    subset: int | tuple[str, ...] = ()
    question: str = "What does the image show?"

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if not self.question.strip():
            raise ValueError("question is empty")
        _one_of("classes", self.classes, Classes)
        _from_zero("candidates", self.candidates)
        _from_zero("seed", self.seed)
        if self.candidates == 1:
            raise ValueError("candidates is 1; an image is compared with 2 classes or more, or with 0 for all")
        _one_of("templates", self.templates, Templates)
        if isinstance(self.subset, int):
            if isinstance(self.subset, bool) or not 1 <= self.subset <= 1000:
                raise ValueError(f"subset is {self.subset!r}; it is 1 to 1000, or a list of names or synsets")
        else:
            object.__setattr__(self, "subset", _words("subset", self.subset))


@dataclass(frozen=True, kw_only=True)
class CocoOptions:
    """Options of COCO retrieval.

    Attributes
    ----------
    split : {"val2017", "karpathy-test"}
        ``captions_val2017.json``, or the test images of Karpathy's ``dataset_coco.json``.
    ks : tuple of int
        Cut-offs of recall@k; the first one is the main metric's.
    block_mb : int
        Most memory that one block of similarities takes, in MiB (at least one query is ranked at a time). It changes no
        result, and is in no key.
    """

    split: Split = "val2017"
    ks: tuple[int, ...] = (1, 5, 10)
    block_mb: int = field(default=16, metadata=DECIDES_NOTHING)

    def __post_init__(self) -> None:
        """Check the values; a list of cut-offs becomes a tuple."""
        _one_of("split", self.split, Split)
        object.__setattr__(self, "ks", _cutoffs(self.ks))
        _from_one("block_mb", self.block_mb)


@dataclass(frozen=True, kw_only=True)
class CocoMatchingOptions:
    """Options of COCO as matching.

    Attributes
    ----------
    split : {"val2017", "karpathy-test"}
        As for retrieval.
    candidates : int
        The number of captions with which an image is compared, its own among them.
    seed : int
        Of the draw of the others.
    """

    split: Split = "val2017"
    candidates: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        _one_of("split", self.split, Split)
        _from_one("candidates", self.candidates)
        if self.candidates < 2:
            raise ValueError("candidates is 1; an image is compared with 2 captions or more")
        _from_zero("seed", self.seed)


@dataclass(frozen=True, kw_only=True)
class FacetOptions(QuestionOptions):
    """Options of FACET: what the sources leave open.

    Attributes
    ----------
    image : {"crop", "full"}
        The person's box, or the whole image (then all persons of an image get the same answer).
    persons : {"all", "single"}
        All persons, or only those who are alone in their image and have one class.
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
    other_cuts : bool
        Whether the disparities are measured under the other cuts too, to see how the answer moves with the cut.
    intersections : tuple of tuple of str
        Attributes to cross, such as ``("gender", "skin_tone")``: an attribute ``gender×skin_tone`` more.
    intersection_pairs : tuple of (str, str)
        Groups of intersections to compare, such as ``("masc×light", "fem×dark")``.
    question : str
        What a generative model is asked; its answers are the class names, their underscores as spaces.
    """

    image: ImageView = field(default="crop", metadata=renamed_from("picture"))
    persons: Persons = "all"
    class2: SecondClass = "ignore"
    min_group: int = 10
    skin_cut: SkinCut = "1-3/4-6/7-10"
    classes: Classes = "all"
    template: str = "a photo of a {}."
    other_cuts: bool = True
    intersections: tuple[tuple[str, ...], ...] = ()
    intersection_pairs: tuple[tuple[str, str], ...] = ()
    question: str = "What is the occupation of the person in the image?"

    def __post_init__(self) -> None:
        """Check the values; lists become tuples."""
        super().__post_init__()
        if not self.question.strip():
            raise ValueError("question is empty")
        _one_of("image", self.image, ImageView)
        _one_of("persons", self.persons, Persons)
        _one_of("class2", self.class2, SecondClass)
        _one_of("skin_cut", self.skin_cut, SkinCut)
        _one_of("classes", self.classes, Classes)
        _from_one("min_group", self.min_group)
        _template(self.template)
        object.__setattr__(self, "intersections", _crossings(self.intersections, FACET_ATTRIBUTES))
        pairs = tuple((str(first), str(second)) for first, second in self.intersection_pairs)
        object.__setattr__(self, "intersection_pairs", pairs)


@dataclass(frozen=True, kw_only=True)
class FairFaceOptions:
    """Options of FairFace.

    Attributes
    ----------
    ks : tuple of int or str
        Cut-offs of the skews, as counts or as shares of the gallery (``"10%"``); the first one is the main metric's.
    target : {"uniform", "gallery"}
        Shares that the groups should have in the top k: equal ones, or those of all images.
    prompts : str or tuple of str
        The name of a prompt set, or the queries themselves.
    intersections : tuple of tuple of str
        Attributes to cross, such as ``("race", "gender")``: an attribute ``race×gender`` more.
    balance : str
        An attribute (or intersection) of whose groups equally many images are ranked; empty: all images are.
    balance_seed : int
        Which images of the larger groups are ranked then.
    """

    ks: tuple[int | str, ...] = (1000,)
    target: Target = "uniform"
    prompts: str | tuple[str, ...] = "concepts-10"
    intersections: tuple[tuple[str, ...], ...] = ()
    balance: str = ""
    balance_seed: int = 0

    def __post_init__(self) -> None:
        """Check the values; lists become tuples."""
        object.__setattr__(self, "ks", _cutoffs_or_shares(self.ks))
        _one_of("target", self.target, Target)
        crossings = _crossings(self.intersections, FAIRFACE_ATTRIBUTES)
        object.__setattr__(self, "intersections", crossings)
        known = (*FAIRFACE_ATTRIBUTES, *("×".join(names) for names in crossings))
        if self.balance and self.balance not in known:
            raise ValueError(f"balance is {self.balance!r}; it is empty or one of {', '.join(known)}")
        object.__setattr__(self, "prompts", _queries(self.prompts))


@dataclass(frozen=True, kw_only=True)
class FairFaceAttributesOptions(QuestionOptions):
    """Options of the classification of FairFace's attributes.

    Attributes
    ----------
    ask : tuple of str
        Which of ``race``, ``gender`` and ``age`` are asked.
    prompts : str
        The name of a set of words for the groups.
    min_group : int
        Fewest images of a group that takes part in the worst group's accuracy and its ratio.
    intersections : tuple of tuple of str
        Attributes to cross, such as ``("race", "gender")``, for accuracy by group.
    """

    ask: tuple[str, ...] = FAIRFACE_ATTRIBUTES
    prompts: str = "plain-words"
    min_group: int = 10
    intersections: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        """Check the values; lists become tuples."""
        super().__post_init__()
        ask = _words("ask", self.ask)
        if not ask or not {*ask} <= {*FAIRFACE_ATTRIBUTES}:
            raise ValueError(f"ask is {list(ask)}; it is one or more of {', '.join(FAIRFACE_ATTRIBUTES)}")
        object.__setattr__(self, "ask", ask)
        if self.prompts not in (known := names_of_attribute_sets()):
            raise ValueError(f"prompts is {self.prompts!r}; there are the sets {', '.join(known)}")
        _from_one("min_group", self.min_group)
        object.__setattr__(self, "intersections", _crossings(self.intersections, FAIRFACE_ATTRIBUTES))


def _queries(prompts: str | Sequence[str]) -> str | tuple[str, ...]:
    if isinstance(prompts, str):
        if prompts not in (known := prompt_set_names()):
            raise ValueError(
                f"prompts is {prompts!r}; there are the sets {', '.join(known)}, or give a list of queries"
            )
        return prompts
    queries = tuple(prompts)
    if not queries or not all(isinstance(q, str) and q.strip() for q in queries):
        raise ValueError("prompts is a list of one or more queries, none of them empty")
    if len(set(queries)) < len(queries):
        raise ValueError("prompts names a query twice")
    return queries


def _cutoffs_or_shares(ks: Sequence[int | str]) -> tuple[int | str, ...]:
    shares = [k for k in ks if isinstance(k, str)]
    for share in shares:
        if not SHARE.fullmatch(share) or not 0 < float(share.rstrip("%")) < 100:
            raise ValueError(f'ks has {share!r}; a share of the gallery is written as "10%", above 0% and below 100%')
    if len(set(shares)) < len(shares):
        raise ValueError(f"ks is {list(ks)}; it names a cut-off twice")
    counts = [k for k in ks if not isinstance(k, str)]
    if counts or not shares:
        _cutoffs(counts)
    return tuple(ks)
