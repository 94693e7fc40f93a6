"""Markdown and LaTeX: any text made inert in them, and tables of texts. The only writer of either format."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from qbench.text import MINUS

_MARKDOWN = re.compile(
    r"[\\`*{}\[\]#|~$@^]"
    r"|(?<!\w)_|_(?!\w)"  # inside a word an underscore is only an underscore
    r"|:(?=\S)"  # links and emoji
    r"|(?<=www)\."  # GitHub makes links of these, too
    r"|^[-+=](?=[-=]*(?:\s|$))"  # list items and the lines under headings
)
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # at the start of a row, [ and * would be read as options of the row before
    "*": "{*}",
    MINUS: "$-$",
    **{c: f"\\{c}" for c in "{}$&#_%"},
}


def escape_markdown(text: str) -> str:
    """Escape a text so that GitHub's Markdown shows it as it is: no markup, no link, no mention, no emoji.

    Parameters
    ----------
    text : str
        One line of text.

    Returns
    -------
    str
        The text with character references for everything that could be markup. A zero-width space after an ``@``
        prevents a mention.

    Examples
    --------
    >>> escape_markdown("mean_recall of <b> [x](y)")
    'mean_recall of &lt;b&gt; &#91;x&#93;(y)'
    """
    text = _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", html.escape(text, quote=False))
    return text.replace("&#64;", "&#64;&#8203;")


def escape_latex(text: str) -> str:
    r"""Escape a text so that LaTeX prints it as it is.

    Examples
    --------
    >>> print(escape_latex("50 % of $x_1$"))
    50 \% of \$x\_1\$
    """
    return "".join(_LATEX.get(c, c) for c in text)


def markdown_row(cells: Iterable[str]) -> str:
    """Join cells, which are Markdown already, to one row of a table."""
    return f"| {' | '.join(cells)} |"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[bool]) -> str:
    """Write a table in GitHub's Markdown.

    Parameters
    ----------
    heads : sequence of str
        The heads of the columns.
    rows : iterable of sequence of str
        The texts of the cells.
    numeric : sequence of bool
        Which columns are aligned to the right.

    Returns
    -------
    str
        The lines of the table, each with its line end.

    Examples
    --------
    >>> print(markdown_table(["metric", "value"], [["top1", "0.5"]], [False, True]), end="")
    | metric | value |
    | --- | ---: |
    | top1 | 0.5 |
    """
    lines = [[escape_markdown(head) or " " for head in heads], ["---:" if right else "---" for right in numeric]]
    lines += [[escape_markdown(cell) for cell in row] for row in rows]
    return "".join(f"{markdown_row(line)}\n" for line in lines)


def latex_table(heads: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[bool], caption: str = "") -> str:
    """Write a table in LaTeX, for the package ``booktabs``.

    Parameters
    ----------
    heads, rows, numeric
        As in `markdown_table`.
    caption : str
        Where there is one, the table is a ``longtable`` (from the package of this name), which may go over pages.

    Returns
    -------
    str
        The lines of the table, each with its line end.

    Examples
    --------
    >>> print(latex_table(["metric", "value"], [["top1", "0.5"]], [False, True]), end="")
    \\begin{tabular}{lr}
    \\toprule
    metric & value \\\\
    \\midrule
    top1 & 0.5 \\\\
    \\bottomrule
    \\end{tabular}
    """
    name = "longtable" if caption else "tabular"
    lines = [f"\\begin{{{name}}}{{{''.join('r' if right else 'l' for right in numeric)}}}"]
    lines += [f"\\caption{{{escape_latex(caption)}}}\\\\"] if caption else []
    lines += ["\\toprule", _latex_row(heads), "\\midrule", *(["\\endhead"] if caption else [])]
    lines += [_latex_row(row) for row in rows]
    lines += ["\\bottomrule", f"\\end{{{name}}}"]
    return "".join(f"{line}\n" for line in lines)


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join(map(escape_latex, cells)) + " \\\\"
