"""``qbench check``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from qbench.cli.common import RUN, run_folder

if TYPE_CHECKING:
    from qbench.gate import GateResult

EXAMPLES = (
    "Examples: `qbench check qbench-runs/demo` | `qbench check RUN --policy policy.toml --junit gate.xml` | "
    "`qbench check --print-policy > policy.toml`"
)

WITHOUT_TERMINAL = 100
"""The width of the output in columns if it does not go to a terminal, so that logs have no overlong lines."""
UNFINISHED = "the check was started and did not finish"
"""What the files say until there is an answer, so that the answer of an earlier call never stands in them."""


class CheckCommand(TyperCommand):
    """The command, whose files say "not evaluated" where its options are wrong too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; see `typer.core.TyperCommand`."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.Exit:  # after --help
            raise
        except Exception as error:
            write_not_evaluated(given, error)
            raise


class CheckedGroup(TyperGroup):
    """All commands: where an option before ``check`` is wrong, its files say "not evaluated" too.

    An interrupt ends each of them with the same message, at whatever moment it comes.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see `typer.core.TyperGroup`, which would end an interrupted one without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("\nStopped. Nothing is lost: run the same command again to continue.", err=True)
            raise typer.Exit(130) from None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the command; see `typer.core.TyperGroup`."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except typer.Exit:  # after --help and --version
            raise
        except Exception as error:
            if "check" in given:
                write_not_evaluated(given[given.index("check") :], error)
            raise


def write_not_evaluated(arguments: list[str], error: Exception) -> None:
    """Write "not evaluated" to the files that arguments name which could not be read."""
    from datetime import UTC, datetime

    from qbench.gate.evaluate import not_evaluated

    files = {name: _named(arguments, f"--{name}") for name in ("junit", "markdown", "json")}
    _write(not_evaluated("qbench check", str(error), today=datetime.now(UTC).date()), **files)


def _named(arguments: list[str], option: str) -> Path | None:
    """The file that an option names among arguments that could not be read."""
    values = [value for name, value in pairwise(arguments) if name == option]
    values += [word.removeprefix(f"{option}=") for word in arguments if word.startswith(f"{option}=")]
    return next((Path(value) for value in values if value and not value.startswith("-")), None)


def command(
    run: Annotated[Path | None, typer.Argument(parser=run_folder, metavar="RUN", help=RUN)] = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="A TOML file with the policy [default: that of the spec, else the built-in one]."),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            parser=run_folder,
            metavar="RUN",
            help="An older run: each cell is compared with the same cell of that run.",
        ),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OLD=NEW",
            help="With --baseline: a label of a model, quantizer or benchmark that was changed, and that this run no "
            "longer has; repeatable.",
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write Markdown for a pull request to this file.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
    today: Annotated[str | None, typer.Option(help="The day on which waivers must be valid [default: today].")] = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Print every rule, and every number that did not pass.")
    ] = False,
    print_policy: Annotated[
        bool, typer.Option("--print-policy", help="Print the built-in policy, and do nothing else.")
    ] = False,
) -> None:
    """Check a run against a policy.

    Exit code 0: pass, 1: fail, 2: not evaluated, 3: inconclusive, if the policy says that this fails.
    """
    if print_policy:
        from qbench.policy.model import default_text

        typer.echo(default_text(), nl=False)
        return
    from datetime import UTC, datetime

    from qbench.gate.evaluate import not_evaluated

    _write(
        not_evaluated("qbench check", UNFINISHED, today=datetime.now(UTC).date()),
        junit=junit,
        markdown=markdown,
        json=json,
    )
    result = _result(run, policy, baseline, today, map_ or [])
    _write(result, junit=junit, markdown=markdown, json=json)
    with reader_may_end():
        # A page shows a run against its own baseline, so it has no answer to another question, nor where there is none.
        shown = run if baseline is None and result.rows else None
        show(result, verbose=verbose, report=_report(shown, policy) if shown else "")
    raise typer.Exit(result.exit_code)


def _report(run: Path, policy: Path | None) -> str:
    """The page that shows the run by the same policy, or how to write it; empty where there is none."""
    from qbench.cli.common import report_path
    from qbench.text import shell_command

    path = report_path(run, policy)
    if path.is_file():
        return str(path)
    if policy is None or not run.is_dir():
        return ""
    return f"{shell_command('qbench', 'report', run, '--policy', policy)} writes it"


def _result(
    run: Path | None, policy: Path | None, baseline: Path | None, today: str | None, renamed: list[str]
) -> GateResult:
    """The gate's answer; "not evaluated" for whatever is wrong with the input.

    Raises
    ------
    qbench.errors.InputError
        A defect, so that the exit code is not that of a failure.
    """
    from datetime import UTC, date, datetime

    from qbench.cli import DEBUG
    from qbench.errors import InputError, MachineError, QbenchError
    from qbench.gate import check
    from qbench.gate.evaluate import not_evaluated
    from qbench.results import load
    from qbench.text import sentence

    day = datetime.now(UTC).date()
    try:
        if run is None:
            fix = "Give the folder that `qbench run` wrote."
            raise InputError("no run folder is given", where="qbench check", fix=fix)
        if today is not None:
            try:
                day = date.fromisoformat(today)
            except ValueError:
                raise InputError(f"{today!r} is not a date", where="--today", fix="Write it as 2026-06-30.") from None
        if renamed and baseline is None:
            raise InputError("there is no older run", where="--map", fix="Name it with --baseline.")
        older = None if baseline is None else load(baseline)
        return check(load(run), policy, older, day, renamed)
    except QbenchError as error:
        what = f"{sentence(error.what)} {error.fix}" if error.fix else error.what
        return not_evaluated(error.where, what, today=day)
    except Exception as error:
        if machine := MachineError.of(error):
            return not_evaluated(machine.where, machine.what, today=day)
        fix = f"This is a defect of qbench or of a plugin. Repeat the command with {DEBUG} to see the traceback."
        raise InputError(f"{type(error).__name__}: {error}", where="qbench check: not evaluated", fix=fix) from error


@contextmanager
def reader_may_end() -> Iterator[None]:
    """Go on where the reader of the output (head, less) ends, so that the exit code stays that of the gate."""
    import os
    import sys

    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(result: GateResult, *, junit: Path | None, markdown: Path | None, json: Path | None) -> None:
    """Write an answer to the files that are asked for. All are tried before one that cannot be written is said."""
    from qbench.errors import InputError, MachineError, QbenchError
    from qbench.store.files import atomic

    wrong: list[QbenchError] = []
    for file, text in _texts(result, junit=junit, markdown=markdown, json=json):
        try:
            with atomic(file) as temporary:
                temporary.write_text(text, encoding="utf-8")
        except QbenchError as error:
            wrong.append(error)
        except OSError as error:
            said = f"it cannot be written ({error.strerror or error})"
            wrong.append(MachineError.of(error, file) or InputError(said, where=str(file)))
    if wrong:
        raise wrong[0]


def _texts(
    result: GateResult, *, junit: Path | None, markdown: Path | None, json: Path | None
) -> list[tuple[Path, str]]:
    from qbench.gate.junit import to_junit
    from qbench.gate.markdown import to_markdown
    from qbench.gate.to_json import to_json

    writers = ((junit, to_junit), (markdown, to_markdown), (json, to_json))
    return [(file, write(result)) for file, write in writers if file is not None]


def show(result: GateResult, *, verbose: bool = False, report: str = "") -> None:
    """Print the gate's answer to the standard output."""
    import sys

    from qbench.gate import terminal
    from qbench.terminal.console import Terminal

    width = None if sys.stdout.isatty() else WITHOUT_TERMINAL
    terminal.show(result, Terminal(width=width), verbose=verbose, report=report)
