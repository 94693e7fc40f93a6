"""In every TOML file that qbench reads, a value of another type is refused and never converted."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from qbench.declared.schema import Description
from qbench.policy.model import Policy
from qbench.spec.model import RunSpec

FILES = (RunSpec, Policy, Description)
SHORT = {"benchmark", "by", "executor", "groups", "models", "quantizers", "folder"}
"""Keys that have a list of texts, for which a single text may stand."""
SAMPLES: tuple[Any, ...] = (True, False, 0, 1, 5, 0.5, 1.0, "1", "5", "0.5", "true", "on")


def kinds(annotation: object) -> Iterator[object]:
    """The plain types (and values of a `Literal`) of a field, whatever they are wrapped in; None for each container."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from kinds(get_args(annotation)[0])
    elif origin is Union or origin is types.UnionType:
        for inner in get_args(annotation):
            yield from kinds(inner)
    elif origin is Literal:
        yield from get_args(annotation)
    elif origin is not None:
        yield None
    else:
        yield annotation


def models(kind: object) -> Iterator[type[BaseModel]]:
    """A model and all that are in it."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from models(field.annotation)
    else:
        for inner in get_args(kind):
            yield from models(inner)


FIELDS = [
    pytest.param(model, name, id=f"{file.__name__}-{model.__name__}-{name}")
    for file in FILES
    for model in dict.fromkeys(models(file))
    for name in model.model_fields
]


def of_type(value: object, kind: object) -> bool:
    """Whether a field of this kind may have the value as it is."""
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind if isinstance(kind, type) else type(value) is type(kind) and value == kind


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_a_value_of_another_type_is_refused(model: type[BaseModel], name: str) -> None:
    wanted = list(kinds(model.model_fields[name].annotation))
    if Any in wanted:
        return
    for value in SAMPLES:
        if any(of_type(value, kind) for kind in wanted) or (name in SHORT and isinstance(value, str)):
            continue
        with pytest.raises(ValidationError) as refused:
            model.model_validate({name: value})
        places = {error["loc"][:1] for error in refused.value.errors()}
        assert (name,) in places, f"{name} = {value!r} is taken as if it were {wanted}"


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_values_in_a_list_or_table_are_refused_in_the_same_way(model: type[BaseModel], name: str) -> None:
    annotation = model.model_fields[name].annotation
    containers = [a for a in (annotation, *get_args(annotation)) if get_origin(a) in (list, tuple, dict)]
    for container in containers:
        wanted = list(kinds(get_args(container)[-1]))
        if Any in wanted or None in wanted:
            continue
        for value in SAMPLES:
            short = isinstance(value, str) and any(isinstance(k, type) and issubclass(k, BaseModel) for k in wanted)
            if short or any(of_type(value, kind) for kind in wanted):  # a text stands for the table that it names
                continue
            given = {"x": value} if get_origin(container) is dict else [value]
            with pytest.raises(ValidationError) as refused:
                model.model_validate({name: given})
            places = {error["loc"][:1] for error in refused.value.errors()}
            assert (name,) in places, f"{name} = {given!r} is taken as if it held {wanted}"
