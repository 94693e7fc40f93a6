"""What a run compares with what: the one rule by which every part of qbench finds the baseline of a variant.

Each cell whose quantizer is not the run's baseline is compared with the cell of the baseline on the same model and the
same benchmark. A spec can declare more comparisons, each of any two variants of the run, on every benchmark: such as
a student with its teacher, or a variant with one that is quantized otherwise.

A comparison is named like a cell, by a model, a quantizer and a benchmark, and no two have the same name. One with the
model's own baseline has the name of its variant's cell. A declared one has the model of its variant, and its own label
in place of a quantizer: the label says what was done to the model, as the name of a quantizer does ("distilled"). So
every table with these three columns can hold it, a rule of a policy can name it, and declared comparisons of one label
are several checkpoints of one method.

Cells of one model differ on purpose in the quantizer alone. Declared comparisons of two models differ on purpose in
`MEANT` as well. What makes two cells incomparable whoever declares it (other items, options, thresholds or prompts) is
known to `qbench.results.comparable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from qbench.errors import InputError
from qbench.policy.model import suggest

MEANT = ("checkpoint", "preprocessing")
"""The kinds of differences of `qbench.results.comparable` that are what a comparison of two models is about.

The resolution and the cropping of images are part of the preprocessing. Tokenizers are part of a checkpoint: the texts
that are asked have to be the same, and each model reads them with its own."""

C = TypeVar("C")


class CellNames(NamedTuple):
    """The labels of a cell, and the name of a comparison."""

    model: str
    quantizer: str
    benchmark: str


class VariantNames(BaseModel):
    """A model with a quantizer: ``{ model = "teacher", quantizer = "fp32" }``.

    Attributes
    ----------
    model, quantizer : str
        Their labels in the run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    quantizer: str

    @property
    def words(self) -> str:
        """Both labels, as in messages."""
        return f"{self.model} × {self.quantizer}"

    def on(self, benchmark: str) -> CellNames:
        """Its cell on a benchmark."""
        return CellNames(self.model, self.quantizer, benchmark)


class DeclaredComparison(BaseModel):
    """A comparison that a spec declares.

    Attributes
    ----------
    baseline, variant : VariantNames
        What is compared: the change is the variant's number minus the baseline's.
    label : str
        Its name in results, in the place of a quantizer's; ``"QUANTIZER against MODEL × QUANTIZER"`` if not given.

    Examples
    --------
    >>> teacher, student = ({"model": model, "quantizer": "fp32"} for model in ("teacher", "student"))
    >>> DeclaredComparison(baseline=teacher, variant=student).name
    'fp32 against teacher × fp32'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    baseline: VariantNames
    variant: VariantNames
    label: str = Field(default="", max_length=200)

    @field_validator("label")
    @classmethod
    def _printable(cls, value: str) -> str:
        if value and not value.isprintable():
            raise ValueError("a label may not hold control characters")
        return value

    @model_validator(mode="after")
    def _two_variants(self) -> DeclaredComparison:
        if self.baseline == self.variant:
            raise ValueError(f"the baseline and the variant are the same, {self.variant.words}: name two variants")
        return self

    @property
    def name(self) -> str:
        """Its label, or the one that it has if none is given."""
        return self.label or f"{self.variant.quantizer} against {self.baseline.words}"

    @property
    def meant(self) -> tuple[str, ...]:
        """The kinds of differences that it is about."""
        return MEANT if self.baseline.model != self.variant.model else ()


@dataclass(frozen=True, kw_only=True)
class CellPair(Generic[C]):
    """Two cells that are compared.

    Attributes
    ----------
    names : CellNames
        The name of the comparison.
    variant : cell
        What is compared.
    of_variant, of_baseline : CellNames
        The labels of both cells.
    baseline : cell or None
        With what; `None` where the run has no such cell.
    declared : DeclaredComparison or None
        What the spec says; `None` for a variant and the baseline of its own model.
    """

    names: CellNames
    variant: C
    baseline: C | None
    of_variant: CellNames
    of_baseline: CellNames
    declared: DeclaredComparison | None = None

    @property
    def meant(self) -> tuple[str, ...]:
        """The kinds of differences that the comparison is about."""
        return self.declared.meant if self.declared else ()


def cell_pairs(
    cells: Mapping[CellNames, C], baseline: str, declared: Iterable[DeclaredComparison] = ()
) -> list[CellPair[C]]:
    """All comparisons of a run: those with each model's own baseline in the order of the cells, then those declared.

    Parameters
    ----------
    cells : mapping
        Labels → the cell, for all cells of the run.
    baseline : str
        Label of the quantizer that each model's own variants are compared with.
    declared : iterable of DeclaredComparison
        The comparisons that the spec declares; each is made on the benchmarks about which both models are asked.

    Examples
    --------
    >>> cells = {CellNames("a", q, "facet"): f"a {q}" for q in ("fp32", "int8")}
    >>> [(pair.names.quantizer, pair.variant, pair.baseline) for pair in cell_pairs(cells, "fp32")]
    [('int8', 'a int8', 'a fp32')]
    """
    found = [
        _pair(cells, names, names, CellNames(names.model, baseline, names.benchmark))
        for names in cells
        if names.quantizer != baseline
    ]
    asked = {(names.model, names.benchmark) for names in cells}  # a benchmark can leave out a model
    for one in declared:
        for benchmark in dict.fromkeys(names.benchmark for names in cells):
            variant, compared = one.variant.on(benchmark), one.baseline.on(benchmark)
            if variant in cells and (compared.model, benchmark) in asked:
                names = CellNames(variant.model, one.name, benchmark)
                found.append(_pair(cells, names, variant, compared, one))
    return found


def _pair(
    cells: Mapping[CellNames, C],
    names: CellNames,
    variant: CellNames,
    baseline: CellNames,
    declared: DeclaredComparison | None = None,
) -> CellPair[C]:
    return CellPair(
        names=names,
        variant=cells[variant],
        baseline=cells.get(baseline),
        of_variant=variant,
        of_baseline=baseline,
        declared=declared,
    )


def check_comparisons(
    declared: Sequence[DeclaredComparison], models: Sequence[str], quantizers: Sequence[str], baseline: str
) -> None:
    """Refuse comparisons that a run with these models and quantizers cannot make, or would make twice.

    Parameters
    ----------
    declared : sequence of DeclaredComparison
        In their order in the spec.
    models, quantizers : sequence of str
        The labels of the spec.
    baseline : str
        Label of the quantizer that each model's own variants are compared with.

    Raises
    ------
    qbench.errors.InputError
        A model or a quantizer is not one of the run; the comparison is made without being declared, or is
        declared twice; or its label is taken.
    """
    taken: dict[tuple[str, str], int] = {}
    seen: dict[tuple[VariantNames, VariantNames], int] = {}
    for place, one in enumerate(declared):
        where = f"comparisons.{place}"
        for side, its in (("baseline", one.baseline), ("variant", one.variant)):
            for kind, label, known in (("model", its.model, models), ("quantizer", its.quantizer, quantizers)):
                if label not in known:
                    what = f"no {kind} of the spec is called {label!r}{suggest(label, list(known))}"
                    fix = "A comparison names two variants of the spec, by the labels of its models and quantizers."
                    raise InputError(what, where=f"{where}.{side}.{kind}", fix=fix)
        if one.baseline == VariantNames(model=one.variant.model, quantizer=baseline):
            what = f"{one.variant.words} is compared with {baseline} in any case: that is the baseline of its model"
            raise InputError(what, where=where, fix="Leave this comparison out.")
        if (first := seen.setdefault((one.baseline, one.variant), place)) != place:
            what = f"{one.variant.words} against {one.baseline.words} is declared already, as comparisons.{first}"
            raise InputError(what, where=where, fix="Leave one of the two out.")
        if one.name in quantizers:
            what = f"the label {one.name!r} is that of a quantizer, whose place it takes in results"
            raise InputError(what, where=f"{where}.label", fix="Give the comparison another label.")
        if (first := taken.setdefault((one.variant.model, one.name), place)) != place:
            what = f"another comparison of {one.variant.model} is called {one.name!r}: comparisons.{first}"
            raise InputError(what, where=f"{where}.label", fix="Give one of the two another label.")
