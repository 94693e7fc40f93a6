"""The blocks that a section of the report is made of. Plain data.

The page's templates decide how the blocks look, and escape all text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qbench.vocabulary import GateBand

WIDTH, MARGIN = 220.0, 12.0
"""The width of a strip and its margin on each side, in pixels."""

Tone = Literal["", "up", "down", "weak"]
Place = Literal["main", "appendix"]
"""Where a section of the report stands: among those that everybody reads, or folded below them."""


@dataclass(frozen=True)
class Axis:
    """A linear axis with zero on it, for the strips of a table.

    Attributes
    ----------
    low, high : float
        Its ends, in data units.
    ticks : tuple of (float, str)
        Position in the drawing, and label.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    @property
    def zero(self) -> float:
        """Where zero is in the drawing."""
        return self.at(0.0)

    def at(self, value: float) -> float:
        """Where a value is in the drawing."""
        share = (value - self.low) / (self.high - self.low)
        return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)


@dataclass(frozen=True)
class Strip:
    """One row: a line between two positions, an open mark where it starts, a filled one where it ends.

    Attributes
    ----------
    zero, start, end : float
        Positions in the drawing. A change starts at zero.
    tone : str
        ``up`` where the end is above zero (a disc), ``down`` where it is below (a square), else empty.
    open : bool
        Whether to draw the mark at the start.
    """

    zero: float
    start: float
    end: float
    tone: str
    open: bool


@dataclass(frozen=True)
class Waivers:
    """What waivers of the policy let pass, of one kind: how many numbers, and the worst of them.

    Attributes
    ----------
    one, several : str
        What is counted: "failure" and "failures".
    number : int
        How many there are; 0 where all are told already.
    excess : float
        How far the worst of them lies beyond its limit, as a multiple of the limit.
    worst : str
        Until when the worst is waived, and what it is: "until 2026-12-31: int8 on b32, …".
    other : bool
        Whether there are more of this kind, which are told already.
    """

    one: str
    several: str
    number: int
    excess: float
    worst: str
    other: bool = False


def waived_words(waivers: Iterable[Waivers]) -> str:
    """The sum of waivers in words. The page's script writes the same for the parts that the filters leave.

    Examples
    --------
    >>> from functools import partial
    >>> of_failures = partial(Waivers, "failure", "failures")
    >>> waived_words([of_failures(1, 4.0, "until 2026-12-31: accuracy"), of_failures(2, 9.0, "until 2026-06-30: gap")])
    '3 failures are waived; the worst of them until 2026-06-30: gap.'
    """
    kinds: dict[tuple[str, str], list[Waivers]] = {}
    for found in waivers:
        kinds.setdefault((found.one, found.several), []).append(found)
    return " ".join(filter(None, (_of_kind(one, several, mine) for (one, several), mine in kinds.items())))


def _of_kind(one: str, several: str, found: Sequence[Waivers]) -> str:
    number, other = sum(w.number for w in found), "other " if any(w.other for w in found) else ""
    if not number:
        return ""
    worst = max((w for w in found if w.number), key=lambda w: w.excess).worst
    if number == 1:
        return f"1 {other}{one} is waived {worst}."
    return f"{number:,} {other}{several} are waived; the worst of them {worst}."


@dataclass(frozen=True)
class Part:
    """What a text says of a part of the run, for readers who filter the page.

    Attributes
    ----------
    names : mapping
        ``model``, ``quantizer``, ``benchmark`` or ``attribute`` of the part; what it lacks is not filtered by. An empty
        attribute stands for the numbers over all groups.
    text : str
        The text of this part.
    lead : str
        Where it is not empty, the text follows this and the sum of the tallies of the parts that are left.
    tally : Tally or None
        Of this part.
    waivers : sequence of Waivers
        What waivers let pass in this part: the text is followed by the sum over the parts that are left.
    """

    names: Mapping[str, str]
    text: str
    lead: str = ""
    tally: Tally | None = None
    waivers: Sequence[Waivers] = ()


@dataclass(frozen=True)
class Tally:
    """How many things of a part of the run have a property, for a text such as "3 of 60".

    Attributes
    ----------
    names : mapping
        As those of a `Part`.
    number, of : int
        How many have it, and how many there are.
    """

    names: Mapping[str, str]
    number: int
    of: int


def tallied(tallies: Iterable[Tally]) -> str:
    """The sum of tallies in words. The page's script writes the same for the parts that the filters leave.

    Examples
    --------
    >>> tallied([Tally({}, 1, 20), Tally({}, 2, 1040)])
    '3 of 1,060'
    """
    found = list(tallies)
    return f"{sum(t.number for t in found):,} of {sum(t.of for t in found):,}"


@dataclass(frozen=True)
class Entry:
    """The content of a cell of a table.

    Attributes
    ----------
    text : str
        The text; for a chart, what it shows in words.
    kind : {"text", "word", "name", "number", "chart"}
        A name may be long, hostile, or written from right to left; a word or two stay on one line.
    tone : {"", "up", "down", "weak"}
        Above zero, below zero, or of less weight. Never the only sign of what it says.
    strip : Strip or None
        The chart.
    head : bool
        Whether it names its row.
    note : str
        A word of warning beside it.
    parts : sequence of Part or of Tally
        What it says of parts of the run: while a reader filters, the page shows the text of the first of the parts that
        the filters leave, or the sum of the tallies of all of these.
    """

    text: str
    kind: Literal["text", "word", "name", "number", "chart"] = "text"
    tone: Tone = ""
    strip: Strip | None = None
    head: bool = False
    note: str = ""
    parts: Sequence[Part | Tally] = ()


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
        Which ones these are, and where to find them.
    closed : bool
        Whether it is folded; the fold says how many rows it has.
    over : sequence of {"model", "quantizer", "benchmark", "attribute"}
        What its rows are summarised over: the page hides the table where a reader filters by one of these.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Entry]]
    note: str = ""
    left_out: int = 0
    left_out_note: str = ""
    closed: bool = False
    over: Sequence[str] = ()
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Text:
    """A paragraph; `strong` sets it apart.

    One that is `absent` says why a section has nothing to show. Where it stands alone, the page has no such section,
    and says so under "Not measured".
    """

    text: str
    strong: bool = False
    absent: bool = False
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    text: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences; `over` is as for a table."""

    items: Sequence[str]
    over: Sequence[str] = ()
    kind: str = field(default="bullets", init=False)


@dataclass(frozen=True)
class Facts:
    """Pairs of a term and its value; `parts` has what a term is for parts of the run, as for an `Entry`."""

    items: Sequence[tuple[str, str]]
    parts: Mapping[str, Sequence[Part | Tally]] = field(default_factory=dict)
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


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A Vega-Lite chart: a still image, and interactive where the page may run scripts.

    Attributes
    ----------
    name : str
        Unique in the page, of letters, digits and dashes; the name of its files.
    title : str
        Its title.
    words : str
        What it shows, for readers who cannot see it; the numbers are in a table near it.
    spec : mapping
        The specification, with its data in ``data.values``. Rows with ``model``, ``quantizer`` or ``attribute`` can be
        filtered in the page. The caller names the fields; texts of a user are in values only.
    note : str
        A note below the chart.
    over : sequence of {"model", "quantizer", "benchmark", "attribute"}
        What its rows are summarised over, as for a table.
    """

    name: str
    title: str
    words: str
    spec: Mapping[str, Any]
    note: str = ""
    over: Sequence[str] = ()
    kind: str = field(default="chart", init=False)


@dataclass(frozen=True)
class Band:
    """The answer of the gate, with its sign and colour, and a sentence.

    Attributes
    ----------
    answer : GateBand
        The answer.
    sentence : str
        What it is made of.
    names : mapping
        Of what part of the run it is the answer, as those of a `Part`; it is hidden until a reader filters.
    lead : str
        Where it is not empty, the sentence follows this and the tally.
    tally : Tally or None
        How many numbers of the part are judged; the page sums those of the parts that the filters leave.
    waivers : sequence of Waivers
        What waivers let pass in this part.
    untold : sequence of Waivers
        The same without what the sentence names. The sentence is followed by the sum of these and of the waivers of the
        other parts that the filters leave.
    """

    answer: GateBand
    sentence: str
    names: Mapping[str, str] = field(default_factory=dict)
    lead: str = ""
    tally: Tally | None = None
    waivers: Sequence[Waivers] = ()
    untold: Sequence[Waivers] = ()
    kind: str = field(default="band", init=False)

    @property
    def whole(self) -> str:
        """The sentence with what stands before and after it."""
        before = f"{self.lead}{tallied([self.tally])}" if self.lead and self.tally else ""
        return " ".join(filter(None, [before + self.sentence, waived_words(self.untold)]))


@dataclass(frozen=True)
class Thumbnail:
    """A small image, as a data URI, and its words."""

    source: str
    words: str


@dataclass(frozen=True)
class Thumbnails:
    """Small images in a row."""

    caption: str
    items: Sequence[Thumbnail]
    kind: str = field(default="thumbnails", init=False)


@dataclass(frozen=True)
class Template:
    """A Jinja template of the section's own, with its data. What it prints is escaped; it may run no script."""

    source: str
    data: Mapping[str, Any] = field(default_factory=dict)
    kind: str = field(default="template", init=False)


Block = Table | Text | Heading | Bullets | Facts | Code | Box | Chart | Band | Thumbnails | Template


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading of its own.

    Attributes
    ----------
    id : str
        Its ID in the page.
    title : str
        Its heading.
    blocks : sequence of Block
        What it consists of.
    place : {"main", "appendix"}
        A section of the appendix is folded.
    """

    id: str
    title: str
    blocks: Sequence[Block]
    place: Place = "main"


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
