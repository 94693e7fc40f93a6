"""The keys of a ``dataset.toml`` and their values, checked by pydantic. Plain data: no table is opened here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import combinations
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from qbench.data.groups import NONE, SEVERAL
from qbench.data.items import check_pairs, is_reserved
from qbench.data.labels import plain_label, same_labels
from qbench.data.promptsets import has_one_placeholder, prompt_set_names
from qbench.data.tables import cell_text
from qbench.declared.protocols import ASKING, COUNTING, MEANINGFUL, NEEDED
from qbench.toml_types import FirstFormat

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


def _listed(value: object) -> object:
    """A single value stands for a list with one value."""
    return [cell_text(v) for v in value] if isinstance(value, list) else [cell_text(value)]


Texts = Annotated[list[str], BeforeValidator(_listed)]
"""The value of a cell, or a list of such values."""


Folders = Annotated[
    list[str], Field(min_length=1), BeforeValidator(lambda value: value if isinstance(value, list) else [value])
]
"""A folder, or a list of folders."""


ASKED_COLUMNS = frozenset({"question", "answers", "context", "right", "stereotyped", "unknown"})
"""Columns of items that are asked questions of their own, which no attribute can have."""


Column = Annotated[str, Field(min_length=1)]
"""The name of a column where one has to be named."""


Limit = Annotated[float, Field(strict=True)]
"""A limit of a bin: a number, and not a text or true."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sides(_Strict):
    """A box in four columns: its top left corner and its size, in pixels of the file.

    Attributes
    ----------
    x, y, width, height : str
        The columns.
    """

    x: Column
    y: Column
    width: Column
    height: Column


class Corners(_Strict):
    """A box in four columns: the positions of its sides, in pixels of the file.

    Attributes
    ----------
    left, top, right, bottom : str
        The columns.
    """

    left: Column
    top: Column
    right: Column
    bottom: Column


class TableSpec(_Strict):
    """``[table]``: the table, with one row per item, and where its images are.

    Attributes
    ----------
    file : str
        A ``.csv`` (UTF-8, with a header) or ``.parquet`` file below the dataset's folder.
    image : str
        The column with the name of each item's image.
    folder : str or list of str
        The folder of the images below the dataset's folder, or several folders, of which the first that has the image
        is used.
    suffix : str
        A text that is added to each name, such as ``".jpg"``.
    id : str
        The column with the item IDs, which have to be unique; if empty, the path of the image is the ID.
    label : str
        The column with the correct class or, for ``multiple-choice``, with the correct answer. For
        ``stereotype-choice`` the column with the answer that image and question support; an empty cell, like no column,
        says that they support neither group.
    also_right : list of str
        Columns with further classes that count as correct; their cells may be empty.
    box : str or dict of str to str
        The place of the item in its image, which is cut to it: a column with a dict as text (``x``, ``y``, ``width``,
        ``height``), or four columns, ``{ x, y, width, height }`` or ``{ left, top, right, bottom }``.
    keep : dict of str to list
        Columns, and the values that a row has to have in them to be used.
    leave_out_unlabelled : bool
        Whether to leave out items that have no group to compare in some attribute. Otherwise they are counted
        separately or, for ``retrieval-skew``, which ranks every item, refused.
    question : str
        For ``multiple-choice`` and ``stereotype-choice``: the column with the question.
    answers : list of str or dict of str to str
        The columns with the answers, of which a cell may be empty: a list, and the cells of `label`, `stereotyped` and
        `unknown` are texts of answers; or a name for each column (``{ 0 = "ans0", 1 = "ans1" }``), and those cells
        are such names.
    stereotyped, unknown : str
        For ``stereotype-choice``: the columns with the answer that agrees with a stereotype, and with the answer that
        nobody can know it.
    """

    file: str = Field(min_length=1)
    image: str = Field(min_length=1)
    folder: Folders = Field(default_factory=lambda: ["."])
    suffix: str = ""
    id: str = ""
    label: str = ""
    also_right: list[Column] = Field(default_factory=list)
    box: str | Sides | Corners = ""
    keep: dict[Column, Texts] = Field(default_factory=dict)
    leave_out_unlabelled: bool = Field(default=False, strict=True)
    question: str = ""
    answers: list[Column] | dict[str, Column] = Field(default_factory=list)
    stereotyped: str = ""
    unknown: str = ""

    @field_validator("answers")
    @classmethod
    def _two_columns(cls, value: list[str] | dict[str, str]) -> list[str] | dict[str, str]:
        columns = _all_different(list(value.values()) if isinstance(value, dict) else value)
        if len(columns) == 1:
            raise ValueError("a question needs two answers or more")
        return value

    @field_validator("box", mode="before")
    @classmethod
    def _sides_or_corners(cls, value: object) -> object:
        for kind in (Sides, Corners):
            if isinstance(value, dict) and set(value) == set(kind.model_fields):
                return kind.model_validate(value)
        if isinstance(value, str):
            return value
        raise ValueError(
            "a box is one column, or four: { x, y, width, height } or { left, top, right, bottom }, each a column"
        )

    @field_validator("file")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if not value.lower().endswith((".csv", ".parquet")):
            raise ValueError("a table is a .csv or a .parquet file")
        return value


class PromptSpec(_Strict):
    """``[prompts]``: the texts that the model gets.

    Attributes
    ----------
    template : str or list of str
        The sentence, with ``{}`` for the class or the query. The embeddings of several sentences are averaged.
    classes : list of str
        The candidates; if empty, those in `names`, or else the labels of the items.
    names : dict of str to str
        The name of a class in prompts; if not given, its label with spaces in place of underscores.
    queries : list of str
        For ``retrieval-skew``: the texts that go into the template.
    set : str
        In place of `queries`: the name of a prompt set of qbench, or a ``.toml`` file beside this file that holds one.
    known_ties : list of (str, str)
        Pairs of classes that are known to have the same texts; see `qbench.metrics.interface.Prompts`.
    question : str
        For ``classification-disparity``: what a generative model is asked; its answers are the classes, as in prompts.
        If empty, the dataset is not asked about by questions.
    """

    template: Texts = Field(default_factory=list)
    classes: list[str] = Field(default_factory=list)
    names: dict[str, str] = Field(default_factory=dict)
    queries: list[str] = Field(default_factory=list)
    set: str = ""
    known_ties: list[tuple[str, str]] = Field(default_factory=list)
    question: str = ""

    @field_validator("template")
    @classmethod
    def _one_place(cls, value: list[str]) -> list[str]:
        wrong = [template for template in value if not has_one_placeholder(template)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} does not have exactly one {{}}")
        return _all_different(value)

    @field_validator("classes", "queries")
    @classmethod
    def _different(cls, value: list[str]) -> list[str]:
        if not all(text.strip() for text in value):
            raise ValueError("one of them is empty")
        return _different_labels(value)

    @field_validator("set")
    @classmethod
    def _known_set(cls, value: str) -> str:
        if value and not value.endswith(".toml") and value not in prompt_set_names():
            raise ValueError(f"there are the sets {', '.join(prompt_set_names())}; or name a .toml file with one")
        return value

    @model_validator(mode="after")
    def _one_of_each(self) -> PromptSpec:
        if self.set and (self.queries or self.template):
            raise ValueError("a prompt set has its own sentences: give set, or queries and template, not both")
        unknown = [name for name in self.names if self.classes and name not in self.classes]
        if unknown:
            raise ValueError(f"names has {unknown[0]!r}, which is not one of the classes")
        self._check_ties()
        return self

    def _check_ties(self) -> None:
        """Ties are of two of the classes, and no other classes are called the same in prompts."""
        called = {name: self.names.get(name, name) for name in self.classes or self.names}
        check_ties(self.known_ties, called or {name for pair in self.known_ties for name in pair})
        known, same = set(map(frozenset, self.known_ties)), dict[str, list[str]]()
        for name, text in called.items():
            same.setdefault(plain_label(text), []).append(name)
        for pair in (pair for names in same.values() for pair in combinations(names, 2)):
            if frozenset(pair) not in known:
                _different_labels([called[name] for name in pair])


class AttributeSpec(_Strict):
    """``[attributes.NAME]``: a grouping of the items, such as perceived age, and how cells become groups.

    One of `values`, `bins`, `flags`, or a plain column with `groups`; `votes` goes with `bins`.

    Attributes
    ----------
    column : str
        The column; if empty, the one with the name of the attribute.
    values : dict of str to list
        Group → the values of its cells; ``""`` is an empty cell.
    bins : dict of str to (float, float)
        Group → the lower limit (included) and the upper limit (excluded) of a number; ``inf`` is allowed. Bins do not
        overlap.
    flags : dict of str to str
        Group → its 0/1 column. An item without a flag is ``na``, one with several is ``several``.
    votes : list of str
        Columns with the number of votes for the values 1, 2, 3, …; the `bins` are applied to the mean of the votes. An
        item without a vote is ``na``.
    groups : list of str
        The groups that are compared, in the order of the report; if empty, all that are named above. Other groups are
        counted and get their own accuracy.
    other : str
        The group of all other cells; if empty, such a cell is an error.
    pairs : list of (str, str)
        The disparities, first group minus second. If not given, all pairs of `groups`, except for
        ``retrieval-skew``.
    """

    column: str = ""
    values: dict[str, Texts] = Field(default_factory=dict)
    bins: dict[str, tuple[Limit, Limit]] = Field(default_factory=dict)
    flags: dict[str, Column] = Field(default_factory=dict)
    votes: list[Column] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)
    other: str = ""
    pairs: list[tuple[str, str]] | None = None

    @field_validator("values")
    @classmethod
    def _each_once(cls, values: dict[str, list[str]]) -> dict[str, list[str]]:
        seen: dict[str, str] = {}
        for group, cells in values.items():
            for cell in cells:
                if seen.setdefault(cell, group) != group:
                    raise ValueError(f"the value {cell!r} belongs to {seen[cell]!r} and to {group!r}")
        return values

    @field_validator("bins")
    @classmethod
    def _apart(cls, bins: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for group, (low, high) in bins.items():
            if not low < high:
                raise ValueError(f"{group!r} is [{low:g}, {high:g}]: its upper limit is not above its lower limit")
        for (one, a), (other, b) in combinations(bins.items(), 2):
            if a[0] < b[1] and b[0] < a[1]:
                raise ValueError(f"{one!r} and {other!r} overlap (the upper limit is not included)")
        return bins

    @model_validator(mode="after")
    def _one_way(self) -> AttributeSpec:
        ways = [name for name in ("values", "bins", "flags") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"give one of values, bins and flags, not {' and '.join(ways)}")
        if not ways and not self.groups:
            raise ValueError('say which groups there are: values, bins, flags, or groups = ["…", "…"]')
        if self.votes and (self.column or not self.bins):
            raise ValueError("votes go with bins, which are of their mean, and without column")
        if self.flags and self.column:
            raise ValueError("flags name their columns themselves: leave column out")
        if self.flags and self.other:
            raise ValueError(f"with flags nothing is other: no flag is {NONE!r}, more than one is {SEVERAL!r}")
        self._check_groups()
        return self

    def _check_groups(self) -> None:
        named = [*self.values, *self.bins, *self.flags]
        unknown = [group for group in self.groups if named and group not in named]
        if unknown:
            raise ValueError(f"groups has {unknown[0]!r}, which is not one of {', '.join(map(repr, named))}")
        _all_different(self.groups)
        if "" in (*named, *self.groups):
            raise ValueError("a group has no name")
        if self.other in self.compared() and self.other:
            raise ValueError(f"other is {self.other!r}, which is compared: unnamed cells must not be in such a group")
        for pair in self.pairs or ():
            absent = [group for group in pair if group not in self.compared()]
            if absent or pair[0] == pair[1]:
                raise ValueError(f"the pair {list(pair)} is not of two of the groups {', '.join(self.compared())}")
        _different_labels([*self.compared(), *([self.other] if self.other else [])])

    def compared(self) -> tuple[str, ...]:
        """The groups that are compared, in the order of the report."""
        return tuple(self.groups or (*self.values, *self.bins, *self.flags))

    def disparities(self) -> tuple[tuple[str, str], ...]:
        """The pairs of groups whose disparities are measured where the protocol has any: by default all."""
        return tuple(combinations(self.compared(), 2)) if self.pairs is None else tuple(self.pairs)


class Description(_Strict):
    """A whole ``dataset.toml``.

    Attributes
    ----------
    format : int
        Version of this format.
    name : str
        The dataset's name in results.
    protocol : str
        What is measured: ``classification-disparity`` (the measures of FACET), ``retrieval-skew`` (those of FairFace),
        ``multiple-choice`` (the accuracy of answers to questions) or ``stereotype-choice`` (which answers agree with
        stereotypes).
    licence : str
        The licence of images and labels; ``"unknown"`` if it is not known.
    perceived : bool
        Whether the attributes are what annotators saw in an image, or (false) what the persons said about themselves.
    summary, citation, how_to_get : str
        One line for lists; what to cite; where the data comes from.
    note : str
        What readers of the results have to know; shown at the top of the report.
    items : int
        Number of items of the whole dataset, by which the data check recognises incomplete data or another split; 0 if
        it is not known.
    min_group : int
        Number of items that both groups of a pair need for a disparity, in a class where there are classes.
    ks : list of int
        The cut-offs of the skews; the first one is that of the main metric.
    target : {"uniform", "gallery"}
        The shares that the groups should have in the top k: equal ones, or those of all items.
    table, prompts, attributes
        See `TableSpec`, `PromptSpec`, `AttributeSpec`.
    """

    format: FirstFormat = 1
    name: str = Field(pattern=NAME, max_length=100)
    protocol: Literal["classification-disparity", "retrieval-skew", "multiple-choice", "stereotype-choice"]
    licence: str = Field(min_length=1)
    perceived: bool = Field(strict=True)
    summary: str = ""
    citation: str = ""
    how_to_get: str = ""
    note: str = ""
    items: int = Field(default=0, ge=0, strict=True)
    min_group: int = Field(default=10, ge=1, strict=True)
    ks: list[Annotated[int, Field(ge=1, strict=True)]] = Field(default_factory=lambda: [100], min_length=1)
    target: Literal["uniform", "gallery"] = "uniform"
    table: TableSpec
    prompts: PromptSpec = Field(default_factory=PromptSpec)
    attributes: dict[str, AttributeSpec] = Field(min_length=1)

    @field_validator("ks")
    @classmethod
    def _cutoffs(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value):
            raise ValueError("a cut-off is named twice")
        return value

    @field_validator("attributes")
    @classmethod
    def _free_names(cls, value: dict[str, AttributeSpec]) -> dict[str, AttributeSpec]:
        for name, attribute in value.items():
            if not name or is_reserved(name):
                raise ValueError(f"an attribute cannot be called {name!r}; results have a column of that name")
            if len(attribute.compared()) < 2:
                raise ValueError(f"{name} has one group only: there is nothing to compare")
        return value

    @model_validator(mode="after")
    def _fits_the_protocol(self) -> Description:
        given = dict(self._given())
        foreign = [key for key, protocols in MEANINGFUL.items() if key in given and self.protocol not in protocols]
        if self.protocol not in COUNTING:
            foreign += [f"attributes.{name}.pairs" for name, attribute in self.attributes.items() if attribute.pairs]
        if foreign:
            raise ValueError(f"{foreign[0]} has no meaning for the protocol {self.protocol!r}")
        for keys, what in NEEDED[self.protocol]:
            if not any(given.get(key) for key in keys):
                raise ValueError(f"the protocol {self.protocol!r} needs {' or '.join(keys)}, {what}")
        for name, attribute in self.attributes.items() if self.protocol in COUNTING else ():
            check_pairs(name, attribute.disparities())
        taken = [name for name in self.attributes if self.protocol in ASKING and name in ASKED_COLUMNS]
        if taken:
            raise ValueError(f"an attribute cannot be called {taken[0]!r}; results have a column of that name")
        return self

    def _given(self) -> Iterator[tuple[str, object]]:
        """The keys that are given, with their values; those of the table only if they are not empty."""
        for name, part in (("", self), ("prompts.", self.prompts), ("table.", self.table)):
            for key in part.model_fields_set:
                value = getattr(part, key)
                if value or part is not self.table:
                    yield f"{name}{key}", value


def check_ties(pairs: Iterable[tuple[str, str]], classes: Collection[str]) -> None:
    """Raise `ValueError` where a pair is not of two of the classes."""
    for first, second in pairs:
        absent = [name for name in (first, second) if name not in classes]
        if absent:
            raise ValueError(f"known_ties has {absent[0]!r}, which is not one of the classes")
        if first == second:
            raise ValueError(f"known_ties has a pair of {first!r} and itself")


def _all_different(values: list[str]) -> list[str]:
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} occurs twice")
    return values


def _different_labels(values: list[str]) -> list[str]:
    for same in same_labels(_all_different(values)):
        raise ValueError(f"{' and '.join(map(repr, same))} differ in their spelling only")
    return values
