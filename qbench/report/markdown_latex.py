"""The report's sections as Markdown or LaTeX: the same blocks, tables and numbers, without the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qbench.plugins.report_blocks import (
    Band,
    Block,
    Box,
    Bullets,
    Chart,
    Code,
    Entry,
    Facts,
    Heading,
    Section,
    Table,
    Template,
    Text,
    Thumbnails,
)
from qbench.report.formatting import clean
from qbench.report.tables import escape_latex, escape_markdown


def markdown(title: str, sections: Sequence[Section]) -> str:
    """GitHub's Markdown; charts are said in words, and named as the files of ``--figures``."""
    lines = [f"# {_md(title)}", ""]
    for section in sections:
        lines += [f"## {_md(section.title)}", ""]
        for block in section.blocks:
            lines += [*_markdown(block), ""]
    return "\n".join(lines) + "\n"


def latex(title: str, sections: Sequence[Section]) -> str:
    """Sections of an article, without a preamble; the tables need ``booktabs`` and ``longtable``."""
    lines = [f"\\section{{{_tex(title)}}}"]
    for section in sections:
        lines.append(f"\\subsection{{{_tex(section.title)}}}")
        for block in section.blocks:
            lines += _latex(block)
    return "\n".join(lines) + "\n"


def _md(text: str) -> str:
    return escape_markdown(" ".join(clean(_bare(text)).split()))


def _tex(text: str) -> str:
    return escape_latex(" ".join(clean(_bare(text)).split()))


def _bare(text: str) -> str:
    """Without the isolates round names: these formats have no use for them."""
    return text.replace("\N{FIRST STRONG ISOLATE}", "").replace("\N{POP DIRECTIONAL ISOLATE}", "")


def _said(entry: Entry) -> str:
    return f"{entry.text} ({entry.note})" if entry.note else entry.text


def _markdown(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        columns = [c for c in block.columns if c.axis is None]
        yield f"**{_md(block.caption)}**\n"
        yield f"| {' | '.join(_md(c.title) or ' ' for c in columns)} |"
        yield f"| {' | '.join('---:' if c.numeric else '---' for c in columns)} |"
        for row in block.rows:
            yield f"| {' | '.join(_md(_said(e)) for e, c in zip(row, block.columns, strict=True) if c.axis is None)} |"
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
        yield f"> **{_md(block.word)}**: {_md(block.sentence)}"
    else:
        yield from (_md(x) for x in _words(block))


def _latex(block: Block) -> Iterator[str]:
    if isinstance(block, Table):
        columns = [c for c in block.columns if c.axis is None]
        places = "".join("r" if c.numeric else "l" for c in columns)
        yield f"\\begin{{longtable}}{{{places}}}\n\\caption{{{_tex(block.caption)}}}\\\\\n\\toprule"
        yield " & ".join(_tex(c.title) for c in columns) + " \\\\\n\\midrule\n\\endhead"
        for row in block.rows:
            yield (
                " & ".join(_tex(_said(e)) for e, c in zip(row, block.columns, strict=True) if c.axis is None) + " \\\\"
            )
        yield "\\bottomrule\n\\end{longtable}"
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


def _below(block: Table) -> Iterator[str]:
    if block.left_out:
        yield f"{block.left_out:,} more rows are not shown{f': {block.left_out_note}' if block.left_out_note else ''}."
    if block.note:
        yield block.note


def _words(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield block.text
    elif isinstance(block, Box):
        yield f"{block.label}. {block.text}"
    elif isinstance(block, Band):
        yield f"{block.word}: {block.sentence}"
    elif isinstance(block, Chart):
        yield f"Figure {block.name}. {block.title}. {block.words}"
    elif isinstance(block, Thumbnails):
        yield f"{block.caption} (images are in the HTML report only)"
    elif isinstance(block, Template):
        yield "(This part has a form of its own: see the HTML report.)"
