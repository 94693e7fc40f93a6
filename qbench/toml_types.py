"""Types of values in TOML files that pydantic alone takes too broadly."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator


def _number_one(value: object) -> object:
    """Refuse values that equal 1 but are not integers: pydantic accepts true and 1.0 for a ``Literal[1]``."""
    if type(value) is not int:
        raise ValueError(f"Input should be 1, without quotes and without a decimal point; it is {value!r}")
    return value


FirstFormat = Annotated[Literal[1], BeforeValidator(_number_one)]
"""The version of a format that has had one version so far."""
