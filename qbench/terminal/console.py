"""Tables, bars and colours for a terminal. Only this module makes consoles of rich."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Span, Text

from qbench.terminal.streams import InertStream
from qbench.text import clean


class Terminal(Console):
    r"""A console that prints text as it is, without markup, and control characters visibly.

    Parameters
    ----------
    stderr : bool
        Whether it prints to standard error.
    **settings
        As for `rich.console.Console`.

    Examples
    --------
    >>> Terminal().print("[red]\x1b[31m a name")
    [red]\u001b[31m a name
    """

    def __init__(self, *, stderr: bool = False, **settings: Any) -> None:
        stream = sys.stderr if stderr else sys.stdout
        file = stream.stream if isinstance(stream, InertStream) else stream  # the colours of rich are escape sequences
        super().__init__(**{"file": file, "markup": False, "emoji": False, "highlight": False, **settings})

    def on_broken_pipe(self) -> None:
        """Say that the reader has gone, whereupon rich would exit with code 1: each command has its own exit code."""
        raise BrokenPipeError

    def render_str(self, text: str, **how: Any) -> Text:
        """Make a text of a string, visible before its width is measured; the parameters are those of rich."""
        return super().render_str(clean(text, isolates=True), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render a text, a table or a bar; its own control sequences are kept, those in texts are not.

        A text is made visible before its lines are divided: afterwards they would be longer, and rich would cut them.
        """
        for part in super().render(_visible(renderable) if isinstance(renderable, Text) else renderable, options):
            yield part if part.control else Segment(clean(part.text, isolates=True), part.style)


def _visible(text: Text) -> Text:
    """A text whose control characters are visible, with the styles of its parts."""
    plain = text.plain
    shown = clean(plain, isolates=True)
    if shown == plain:
        return text

    def at(position: int) -> int:
        return len(clean(plain[:position], isolates=True))

    made = text.blank_copy(shown)
    made.spans = [Span(at(span.start), at(span.end), span.style) for span in text.spans]
    return made
