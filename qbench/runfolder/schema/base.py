"""What all records share: how they are checked, and how a complaint is worded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

FORMAT = 2
"""Of every JSON file of a run folder; raised when a reader of the earlier format would misread a file."""


class Record(BaseModel):
    """Values that are checked: what a later version adds is ignored, and another type is refused, never converted."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class RecordFile(Record):
    """A record that is a file of its own."""

    format: Literal[2] = 2

    def json_values(self) -> dict[str, Any]:
        """Plain values for JSON, in the order in which the fields are declared."""
        return self.model_dump(mode="json")


def complaint(error: ValidationError, within: str = "") -> str:
    """The first complaint as one line: the field and what is wrong with it."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in (*([within] if within else []), *first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def checked(field: str, part: Callable[[], object]) -> None:
    """Read a part of a record that has a type of its own, so that what is wrong with it is said with the record."""
    try:
        part()
    except ValidationError as error:
        raise ValueError(complaint(error, field)) from None
