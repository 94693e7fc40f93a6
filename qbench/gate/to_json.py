"""The whole answer as JSON, for programs. Every number is there as it is; what is not known is null."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any

from qbench.gate.result import GateResult

if TYPE_CHECKING:
    from qbench.gate.power import Power

SCHEMA = 4
"""2: the word ``inconclusive`` in place of ``undecided``. 3: rules have a role and one limit; answers for variants and
quantizers; ``proven`` and ``remedy`` of rows. 4: the band ``PASS WITH WARNINGS``, that of a variant of which nothing is
judged (``NOT JUDGED``), rows of the status ``warning``, ``severity``, ``needed_k``, ``beside``,
``waived_until`` and ``without_waiver`` of rows, ``waived`` of answers, problems of the level ``note``."""
POWER_SCHEMA = 2
"""2: ``unused`` says why for each rule; ``unavailable``."""


def to_json(result: GateResult) -> str:
    """Write a result as JSON, all ASCII and without ``<``, ``>`` and ``&``, so that it is inert inside HTML too.

    Returns
    -------
    str
        An object with ``schema``, ``gate`` (``qbench``) and the fields of `GateResult`, of its rows, rules and
        problems (``class_`` is ``class``), and of the policy with every default filled in.
    """
    policy = None if result.policy is None else result.policy.model_dump(mode="json")
    fields = {f.name: getattr(result, f.name) for f in dataclasses.fields(result) if f.name != "policy"}
    return _inert({"schema": SCHEMA, "gate": "qbench", **fields, "policy": policy})


def power_to_json(found: Power) -> str:
    """Write what a policy can decide as JSON, in the same way: an object with ``schema`` and the fields of `Power`."""
    return _inert({"schema": POWER_SCHEMA, **_plain(found)})


def _inert(values: dict[str, Any]) -> str:
    text = json.dumps(_plain(values), indent=1)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text + "\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name.rstrip("_"): _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
