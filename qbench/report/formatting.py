"""Numbers and names as readers see them. Only this module rounds numbers; changes are computed before that."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from qbench.text import MINUS as MINUS
from qbench.text import NBSP as NBSP
from qbench.text import clean as clean
from qbench.text import counted
from qbench.text import fixed as fixed
from qbench.text import isolated as isolated
from qbench.vocabulary import Unit

UNDETERMINED = "undetermined"
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def scale(unit: str) -> float:
    """What a stored number is multiplied by to be shown; 1 for a unit that qbench does not know."""
    return Unit(unit).scale if unit in list(Unit) else 1.0


def unit_of_change(unit: str) -> str:
    """The unit of a difference of two numbers; the unit itself if qbench does not know it."""
    return str(Unit(unit).of_change) if unit in list(Unit) else unit


def value(number: float, unit: str, *, signed: bool = False) -> str:
    """Print a number in its unit.

    Parameters
    ----------
    number : float
        NaN stands for an undetermined number.
    unit : str
        ``share`` (0 to 1, shown in per cent), ``points`` (a difference of shares), ``nats``, or any other unit.
    signed : bool
        Whether to print a plus sign.

    Examples
    --------
    >>> value(0.123, "points", signed=True).replace(NBSP, " ")
    '+12.3 points'
    """
    if not math.isfinite(number):
        return UNDETERMINED
    if unit in (Unit.SHARE, Unit.POINTS):
        return fixed(Unit(unit).scale * number, 1, sign=signed) + NBSP + ("%" if unit == Unit.SHARE else str(unit))
    return fixed(number, 3, sign=signed)


def change(number: float, unit: str) -> str:
    """Print a difference with its sign: in percentage points for shares, otherwise in the unit itself."""
    return value(number, unit_of_change(unit), signed=True)


def bare(text: str) -> str:
    """Remove the word "points", for a column whose head says it."""
    return text.removesuffix(f"{NBSP}points")


def interval(low: float, high: float, unit: str) -> str:
    """Print an interval of differences, without the word "points"."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return UNDETERMINED
    ends = (bare(change(x, unit)) for x in (low, high))
    return f"[{', '.join(ends)}]"


def p_value(p: float, log10_p: float | None = None) -> str:
    """Print a p-value with three decimals, or as a power of ten if three decimals would be zero.

    The logarithm tells p-values that are too small for a float apart; without it, it is that of `p`.
    """
    if not math.isfinite(p):
        return UNDETERMINED
    if p >= 0.001:
        return f"{p:.3f}"
    if log10_p is None:
        log10_p = math.log10(max(p, sys.float_info.min))
    exponent = math.floor(log10_p)
    digit = round(10 ** (log10_p - exponent))
    if digit == 10:
        digit, exponent = 1, exponent + 1
    return f"{digit}·10{str(exponent).translate(_SUPERSCRIPT)}"


def count(number: int, one: str, many: str = "") -> str:
    """Print a count with its noun, which stay on one line: "1 cell", "1,240 cells"."""
    return counted(number, one, many).replace(" ", NBSP, 1)


def megabytes(number: float) -> str:
    """Print bytes in MB (10⁶)."""
    return fixed(number / 1e6, 1) + NBSP + "MB"


def listing(names: list[str], limit: int = 8, *, bare: bool = False) -> str:
    """Join names; beyond `limit`, give only their number. `bare` names are isolated already."""
    shown = [x if bare else isolated(x) for x in names[:limit]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def options(values: Mapping[str, Any]) -> str:
    """Options as a text, without those that leave the choice to the data or the checkpoint.

    Examples
    --------
    >>> options({"bits": 4, "ks": None, "skip": []})
    'bits = 4, skip = []'
    >>> options({"ks": None})
    'none'
    """
    return ", ".join(f"{name} = {value}" for name, value in values.items() if value is not None) or "none"
