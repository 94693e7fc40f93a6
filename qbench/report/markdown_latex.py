"""The sections of the report as Markdown or LaTeX, with the same blocks, tables and numbers as the HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qbench.markup import escape_latex, escape_markdown, latex_table, markdown_table
from qbench.plugins.report_blocks import (
    Band,
    Block,
    Box,
    Bullets,
    Chart,
    Code,
    Facts,
    Heading,
    Section,
    Table,
    Template,
    Text,
    Thumbnails,
)
from qbench.report.formatting import clean, count


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Write GitHub's Markdown. Charts are described in words, with the names of the files of ``--figures``."""
    lines = [f"# {_md(title)}", ""]
    for section in sections:
        lines += [f"## {_md(section.title)}", ""]
        for block in _whole(section):
            lines += [*_markdown(block), ""]
    return "\n".join(lines) + "\n"


def latex(title: str, sections: Sequence[Section]) -> str:
    """Write sections of an article, without a preamble. The tables need ``booktabs`` and ``longtable``."""
    lines = [f"\\section{{{_tex(title)}}}"]
    for section in sections:
        lines.append(f"\\subsection{{{_tex(section.title)}}}")
        for block in _whole(section):
            lines += _latex(block)
    return "\n".join(lines) + "\n"


def _whole(section: Section) -> list[Block]:
    """The blocks without the answers for parts of the run, which only a page with filters can choose from."""
    return [block for block in section.blocks if not (isinstance(block, Band) and block.names)]


def _md(text: str) -> str:
    return escape_markdown(_line(text))


def _tex(text: str) -> str:
    return escape_latex(_line(text))


def _line(text: str) -> str:
    """A text on one line, without the isolates around names: these formats have no use for them."""
    bare = text.replace("\N{FIRST STRONG ISOLATE}", "").replace("\N{POP DIRECTIONAL ISOLATE}", "")
    return " ".join(clean(bare).split())


def _cells(table: Table) -> tuple[list[str], list[list[str]], list[bool]]:
    """The heads, the cells and which columns are numeric; columns of strips are left out, since they only draw."""
    drawn = [c.axis is not None for c in table.columns]
    rows = [
        [_line(f"{e.text} ({e.note})" if e.note else e.text) for e, strip in zip(row, drawn, strict=True) if not strip]
        for row in table.rows
    ]
    kept = [c for c, strip in zip(table.columns, drawn, strict=True) if not strip]
    return [_line(c.title) for c in kept], rows, [c.numeric for c in kept]


def _markdown(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        yield f"**{_md(block.caption)}**\n"
        yield markdown_table(*_cells(block)).rstrip("\n")
        yield from (f"\n{_md(text)}" for text in _below(block))
    elif isinstance(block, Facts):
        yield from (f"- **{_md(term)}**: {_md(what)}" for term, what in block.items)
    elif isinstance(block, Bullets):
        yield from (f"- {_md(x)}" for x in block.items)
    elif isinstance(block, Heading):
        yield f"### {_md(block.text)}"
    elif isinstance(block, Code):
        yield f"**{_md(block.title)}**\n"
        yield from (f"    {clean(line)}" for line in block.text.splitlines())
    elif isinstance(block, Band):
        yield f"> **{_md(block.answer)}**: {_md(block.whole)}"
    else:
        yield from (_md(x) for x in _words(block))


def _latex(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        yield latex_table(*_cells(block), caption=_line(block.caption)).rstrip("\n")
        yield from (f"\n{_tex(text)}\n" for text in _below(block))
    elif isinstance(block, Facts | Bullets):
        found = (
            [f"\\textbf{{{_tex(x[0])}}}: {_tex(x[1])}" for x in block.items]
            if isinstance(block, Facts)
            else [_tex(x) for x in block.items]
        )
        if found:
            yield "\\begin{itemize}\n" + "\n".join(f"\\item {{}}{x}" for x in found) + "\n\\end{itemize}"
    elif isinstance(block, Heading):
        yield f"\\subsubsection{{{_tex(block.text)}}}"
    elif isinstance(block, Code):
        yield f"\\paragraph{{{_tex(block.title)}}}"
        yield from (f"\\texttt{{{_tex(line)}}}\\\\" for line in block.text.splitlines())
    else:
        yield from (f"\n{_tex(x)}\n" for x in _words(block))


def left_out(block: Table) -> str:
    """How many rows of a table are not shown, and which."""
    rows = count(block.left_out, "more row is", "more rows are")
    return f"{rows} not shown{f': {block.left_out_note}' if block.left_out_note else ''}."


def _below(block: Table) -> Iterator[str]:
    if block.left_out:
        yield left_out(block)
    if block.note:
        yield block.note


def _words(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield block.text
    elif isinstance(block, Box):
        yield f"{block.label}. {block.text}"
    elif isinstance(block, Band):
        yield f"{block.answer}: {block.whole}"
    elif isinstance(block, Chart):
        yield f"Figure {block.name}. {block.title}. {block.words}"
    elif isinstance(block, Thumbnails):
        yield f"{block.caption} (thumbnails are shown in the HTML report only)"
    elif isinstance(block, Template):
        yield "(This part is shown in the HTML report only.)"
