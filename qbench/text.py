"""Texts and numbers made safe for a sentence. Used by every package that writes for people."""

from __future__ import annotations

import re
import shlex

MINUS, NBSP = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
NAME = 80  # characters of a name in a sentence; tables have the whole name
_STEERING = r"\u202a-\u202e\u2066\u2067\u200e\u200f\u061c\u2028\u2029"
_CONTROL = r"\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_HARMFUL = {
    isolates: re.compile(f"[{_CONTROL}{_STEERING}{'' if isolates else chr(0x2068) + chr(0x2069)}]")
    for isolates in (True, False)
}
_CONTROLS = re.compile(f"[{_CONTROL}]")
"""Control characters other than the tab and the end of a line, lone surrogates, and what steers the direction."""


def clean(text: str, *, isolates: bool = False) -> str:
    r"""Make control characters and bidirectional controls visible (``\u202e``), so that they have no effect.

    Parameters
    ----------
    text : str
        Any text, such as the name of a group in an annotation file.
    isolates : bool
        Whether to keep the isolates that `isolated` puts around names.
    """
    return _HARMFUL[isolates].sub(_visible, text)


def without_control(text: str) -> str:
    r"""Make control characters visible, and keep marks of direction: in data they are a part of words.

    Examples
    --------
    >>> without_control("\x1b[31m \u200fa")
    '\\u001b[31m \u200fa'
    """
    return _CONTROLS.sub(_visible, text)


def _visible(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


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


def sentence(text: str) -> str:
    """A clause as a sentence: with a full stop, unless it ends one already.

    Examples
    --------
    >>> sentence("it is gone"), sentence("did you mean 'age'?"), sentence("Add items.")
    ('it is gone.', "did you mean 'age'?", 'Add items.')
    """
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def shell_command(*words: object) -> str:
    """A command as a shell has to be given it: a path with a space is quoted.

    Examples
    --------
    >>> shell_command("qbench", "report", "my runs/demo")
    "qbench report 'my runs/demo'"
    """
    return shlex.join(map(str, words))


def counted(number: int, one: str, several: str = "") -> str:
    """A number with what it counts; of several things with an "s", unless another plural is given.

    Examples
    --------
    >>> counted(1, "image"), counted(2000, "image"), counted(2, "class", "classes")
    ('1 image', '2,000 images', '2 classes')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


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


def percent(share: float) -> str:
    """A share as a percentage, without trailing zeros.

    Examples
    --------
    >>> percent(0.95).replace(NBSP, " "), percent(0.995).replace(NBSP, " ")
    ('95 %', '99.5 %')
    """
    return f"{100 * share:.10g}{NBSP}%"
