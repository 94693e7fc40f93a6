"""Texts and numbers made safe for a sentence. Used by every package that writes for people."""

from __future__ import annotations

import unicodedata

MINUS, NBSP = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
NAME = 80  # characters of a name in a sentence; tables have the whole name
_OWN = {0x2068, 0x2069}
_STEERING = {*range(0x202A, 0x202F), 0x2066, 0x2067, 0x200E, 0x200F, 0x061C, 0x2028, 0x2029}


def clean(text: str, *, isolates: bool = False) -> str:
    r"""Make control characters and bidirectional controls visible (``\u202e``), so that they have no effect.

    Parameters
    ----------
    text : str
        Any text, such as the name of a group in an annotation file.
    isolates : bool
        Whether to keep the isolates that `isolated` puts around names.
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
    """Prepare a name for a sentence: shortened, and without an effect on the direction of the words around it."""
    short = name if len(name) <= NAME else f"{name[: NAME - 20]}…{name[-19:]}"
    return f"\N{FIRST STRONG ISOLATE}{clean(short)}\N{POP DIRECTIONAL ISOLATE}"


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """Print a number with a fixed number of decimals, thousands separators and a true minus sign, and never "-0.0".

    Examples
    --------
    >>> fixed(1234.56, 1)
    '1,234.6'
    >>> fixed(-0.01, 1)
    '0.0'
    """
    text = f"{abs(value):,.{decimals}f}"
    if not any(c in "123456789" for c in text):
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def duration(seconds: float) -> str:
    """Print a time in seconds, minutes or hours.

    Examples
    --------
    >>> duration(12.3), duration(600), duration(9000)
    ('12 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def bytes_in_words(count: float) -> str:
    """Print a number of bytes.

    Examples
    --------
    >>> bytes_in_words(1536), bytes_in_words(5.25 * 2**30)
    ('2 KiB', '5.2 GiB')
    """
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB" if count < 1024 else f"{count / 1024:.1f} TiB"
