"""What a section is made of. Plain data: the templates decide how it looks, and escape every text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from qbench.report.charts import Axis, Strip

Tone = Literal["", "up", "down", "weak"]


@dataclass(frozen=True)
class Entry:
    """What stands in a table's cell.

    Attributes
    ----------
    text : str
        The text; for a chart, what it shows in words.
    kind : {"text", "name", "number", "chart"}
        A name may be long, hostile, or written from right to left.
    tone : {"", "up", "down", "weak"}
        Above zero, below zero, or of less weight. Never the only sign of what it says.
    strip : Strip or None
        The chart.
    head : bool
        Whether it names its row.
    note : str
        A word of warning beside it.
    """

    text: str
    kind: Literal["text", "name", "number", "chart"] = "text"
    tone: Tone = ""
    strip: Strip | None = None
    head: bool = False
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A column's head; `axis` is drawn in it where the column holds charts."""

    title: str
    numeric: bool = False
    axis: Axis | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a caption.

    Attributes
    ----------
    left_out : int
        Rows that are not shown; the page says how many.
    left_out_note : str
        Which ones these are, and where they can be had.
    closed : bool
        Whether it is folded; the fold says how many rows it has.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Entry]]
    note: str = ""
    left_out: int = 0
    left_out_note: str = ""
    closed: bool = False
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Text:
    """A paragraph; `strong` sets it apart."""

    text: str
    strong: bool = False
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]
    kind: str = field(default="bullets", init=False)


@dataclass(frozen=True)
class Facts:
    """Pairs of a term and what it is."""

    items: Sequence[tuple[str, str]]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Code:
    """Text as it is, folded under a title."""

    title: str
    text: str
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class Box:
    """A notice: a note, a warning or an error, named in words as well as by colour."""

    label: str
    text: str
    tone: Literal["note", "warning", "error"]
    kind: str = field(default="box", init=False)


Block = Table | Text | Heading | Bullets | Facts | Code | Box


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading of its own."""

    id: str
    title: str
    blocks: Sequence[Block]


def name(text: str, *, head: bool = False) -> Entry:
    """A name from the run."""
    return Entry(text, "name", head=head)


def number(text: str, tone: Tone = "") -> Entry:
    """A number, already printed."""
    return Entry(text, "number", tone)


def tone_of(value: float, shown: str) -> Tone:
    """The tone of a difference: none where it is undetermined or printed as zero."""
    if value != value or not any(c in "123456789" for c in shown):
        return ""
    return "up" if value > 0 else "down"
