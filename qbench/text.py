"""Text that others wrote, and numbers, made safe to stand in a sentence. For all rooms that write for people."""

from __future__ import annotations

import unicodedata

MINUS, NBSP = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
NAME = 80  # characters of a name in a sentence; tables have it whole
_OWN = {0x2068, 0x2069}
_STEERING = {*range(0x202A, 0x202F), 0x2066, 0x2067, 0x200E, 0x200F, 0x061C, 0x2028, 0x2029}


def clean(text: str, *, isolates: bool = False) -> str:
    r"""Make control characters and bidirectional controls visible (``\u202e``), so that they steer nothing.

    Parameters
    ----------
    text : str
        Any text, such as a group's name in somebody's annotation file.
    isolates : bool
        Whether the isolates that `isolated` puts round names stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _harmless(c, isolates) else f"\\u{ord(c):04x}" for c in text)


def _harmless(char: str, isolates: bool) -> bool:
    code = ord(char)
    if code in _OWN:
        return isolates
    return char in "\n\t" or (code not in _STEERING and unicodedata.category(char) not in ("Cc", "Cs"))


def isolated(name: str) -> str:
    """Put a name in a sentence: shortened, and its writing direction does not reach the words around it."""
    short = name if len(name) <= NAME else f"{name[: NAME - 20]}…{name[-19:]}"
    return f"\N{FIRST STRONG ISOLATE}{clean(short)}\N{POP DIRECTIONAL ISOLATE}"


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """Print with a set number of decimals and thousands; never "-0.0", and a true minus sign."""
    text = f"{abs(value):,.{decimals}f}"
    if not any(c in "123456789" for c in text):
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text
