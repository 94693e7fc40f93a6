"""Names and messages have no effect on the terminal that shows them, whichever way they are printed."""

from __future__ import annotations

import ast
import io
import sys
from pathlib import Path

import pytest
from rich.progress import Progress, TextColumn
from rich.table import Column, Table
from rich.text import Text

from qbench import cli
from qbench.errors import DataError
from qbench.terminal.console import Terminal
from qbench.terminal.streams import inert_streams
from qbench.text import clean

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = {
    "escape": "\x1b[2J\x1b[31mred",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;https://example.org\x1b\\here\x1b]8;;\x1b\\",
    "c1": "\x9b31mred",
    "overwritten": "wrong\rright\x08",
    "direction": "a\u202egnp.b",
    "surrogate": "a\udc9bb",
}
CONTROLS = [*map(chr, range(9)), *map(chr, range(11, 32)), *map(chr, range(127, 160)), "\u202e", "\u2066", "\udc9b"]


def harmful(text: str) -> list[str]:
    return [c for c in CONTROLS if c in text]


@pytest.mark.parametrize("char", CONTROLS)
def test_every_control_character_is_visible(char: str) -> None:
    assert clean(f"a{char}b") == f"a\\u{ord(char):04x}b"


def test_text_of_all_languages_and_lines_are_kept() -> None:
    text = "é 日本語 עברית العربية 👩‍👧\n\tnext"
    assert clean(text) == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_streams_are_inert(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with inert_streams():
        print(text)
        print(text, file=sys.stderr)
        sys.stdout.writelines([text])
    shown = capsys.readouterr()
    assert shown.out == f"{clean(text)}\n{clean(text)}"
    assert shown.err == f"{clean(text)}\n"
    assert not harmful(shown.out)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_tables_and_texts_are_inert(text: str) -> None:
    stream = io.StringIO()
    console = Terminal(file=stream, width=200, force_terminal=True, color_system=None)
    table = Table("name", title=text)
    table.add_row(Text(text))
    table.add_row(text)
    console.print(table)
    console.print(text)
    console.print(Text(text, style="bold red"))
    assert not harmful(stream.getvalue())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_becomes_visible_takes_no_room_from_the_words_around_it(text: str) -> None:
    said = f"the image {text} cannot be read, and this is said of it in full"
    table = Table(Column("name", overflow="fold"))
    table.add_row(said)
    for shown in (said, Text(said, style="bold"), table):
        stream = io.StringIO()
        Terminal(file=stream, width=30).print(shown)
        letters = "".join(c for c in stream.getvalue() if c not in "│ \n")
        words = Text(said).plain if isinstance(shown, Text) else said  # of which rich removes some characters
        assert clean(words, isolates=True).replace(" ", "") in letters


def test_the_style_of_a_text_stays_with_its_part() -> None:
    stream = io.StringIO()
    text = Text.assemble("a\x1b[2Jb ", ("bad", "bold"), " c")
    Terminal(file=stream, width=80, force_terminal=True, color_system="standard").print(text)
    assert stream.getvalue() == "a\\u001b[2Jb \x1b[1mbad\x1b[0m c\n"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_bar_is_drawn_and_its_description_is_inert(text: str) -> None:
    stream = io.StringIO()
    console = Terminal(file=stream, width=200, force_terminal=True)
    with Progress(TextColumn("{task.description}", markup=False), console=console) as bar:
        bar.add_task(f"begin{text}", total=1)
        bar.refresh()
    drawn = stream.getvalue()
    assert "\x1b[" in drawn  # rich moves the cursor
    assert "begin" in drawn
    for part in ("\x1b[2J", "\x1b]", "\x07", "\x9b", "\u202e", "\udc9b"):
        assert part not in drawn


@pytest.mark.parametrize("markup", ["[red]a[/red]", "[link=https://example.org]a[/link]", "[/]", ":smile:"])
def test_rich_markup_is_text(markup: str) -> None:
    stream = io.StringIO()
    console = Terminal(file=stream, width=200)
    console.print(markup)
    table = Table(markup, box=None)
    table.add_row(markup)
    console.print(table)
    assert [line.strip() for line in stream.getvalue().splitlines()] == [markup] * 3


def test_colours_of_qbench_reach_a_terminal_through_inert_streams(capsys: pytest.CaptureFixture[str]) -> None:
    with inert_streams():
        Terminal(force_terminal=True, color_system="standard").print(Text("\x1b[31mname", style="red"))
    assert capsys.readouterr().out == "\x1b[31m\\u001b[31mname\x1b[0m\n"


@pytest.mark.parametrize("debug", [False, True])
def test_error_messages_are_inert(
    debug: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def app() -> None:
        raise DataError("the label \x1b[2J is not known", where="a\x9bb.csv")

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(sys, "argv", ["qbench", "plan", *(["--debug"] if debug else [])])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == (1 if debug else 2)
    shown = capsys.readouterr().err
    assert "a\\u009bb.csv: the label \\u001b[2J is not known" in shown
    assert ("Traceback" in shown) is debug
    assert not harmful(shown)


def test_messages_about_options_are_inert(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["qbench", "plan", "--limit", "\x1b[2J"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert "--limit" in shown
    assert not harmful(shown)


def consoles_made(source: str) -> bool:
    """Whether a module imports rich's console or its print when it runs, rather than for its types only."""
    tree = ast.parse(source)
    typed = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    imported = {
        (node.module or "", name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node not in typed
        for name in node.names
    }
    return (("rich.console", "Console") in imported and "Console" in called) or ("rich", "print") in imported


def test_only_one_module_makes_consoles() -> None:
    files = [path for top in ("qbench", "plugins") for path in (ROOT / top).rglob("*.py")]
    wrong = [path for path in files if consoles_made(path.read_text(encoding="utf-8"))]
    assert len(files) > 100
    assert not wrong, "use qbench.terminal.console.Terminal"
    assert consoles_made("from rich.console import Console\nConsole()")
