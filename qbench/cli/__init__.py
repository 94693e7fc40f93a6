"""The command line: one file per command, with argument handling only. Importing it imports nothing heavy."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import Annotated, Any

import typer

from qbench.cli import (
    ablate,
    analyse,
    cache,
    check,
    data,
    diagnose,
    doctor,
    embeddings,
    export,
    inspect,
    listing,
    new,
    plan,
    plugins,
    power,
    quantize,
    report,
    run,
    tune,
    verify,
)

DEBUG = "--debug"

app = typer.Typer(
    cls=check.CheckedGroup,
    name="qbench",
    help="What quantizing a vision-language model does to its accuracy, and to the people in the images, group by "
    "group.",
    epilog="Without a SPEC, `qbench run` runs the built-in demo. "
    f"With {DEBUG}, any command shows the traceback of an error. "
    "Examples: `qbench run` | `qbench list quantizers` | `qbench run --help`",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("qbench-vlm"))
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    no_plugin: Annotated[list[str] | None, typer.Option(help="A plugin that is not loaded; repeatable.")] = None,
) -> None:
    if no_plugin:
        from qbench.plugins.selection import leave_out

        leave_out(no_plugin)


app.command("run", epilog=run.EXAMPLES)(run.command)
app.command("plan", epilog=plan.EXAMPLES)(plan.command)
app.command("ablate", epilog=ablate.EXAMPLES)(ablate.command)
app.command("tune", epilog=tune.EXAMPLES)(tune.command)
app.command("diagnose", epilog=diagnose.EXAMPLES)(diagnose.command)
app.command("analyse", epilog=analyse.EXAMPLES)(analyse.command)
app.command("report", epilog=report.EXAMPLES)(report.command)
app.command("check", cls=check.CheckCommand, epilog=check.EXAMPLES)(check.command)
app.command("power", epilog=power.EXAMPLES)(power.command)
app.command("export", epilog=export.EXAMPLES)(export.command)
app.command("verify", epilog=verify.EXAMPLES)(verify.command)
app.command("bundle", epilog=verify.BUNDLE_EXAMPLES)(verify.bundle)
app.command("inspect", epilog=inspect.EXAMPLES)(inspect.command)
app.command("quantize", epilog=quantize.EXAMPLES)(quantize.command)
app.add_typer(embeddings.app, name="embeddings")
app.command("list", epilog=listing.EXAMPLES)(listing.command)
app.add_typer(data.app, name="data")
app.add_typer(cache.app, name="cache")
app.command("new", epilog=new.EXAMPLES)(new.command)
app.command("plugins", epilog=plugins.EXAMPLES)(plugins.command)
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.command)


def _print_renamed() -> None:
    """Print a warning about a former name as a message, without the line of code that Python adds."""
    import warnings

    from qbench.errors import RenamedWarning

    usual = warnings.formatwarning

    def formatted(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> str:
        if issubclass(category, RenamedWarning):
            return f"qbench: {message}\n"
        return usual(message, category, *where, **more)

    warnings.formatwarning = formatted


def _end_sooner() -> None:
    """Spare Python the search of all objects for cycles at exit, which is a fifth of the time of a light command.

    Not after torch was imported: triton, which it brings, would print all of its objects as leaked.
    """
    if "torch" not in sys.modules:
        gc.freeze()


def main() -> None:
    """Run the command line; the entry point of the ``qbench`` command."""
    from qbench.terminal.streams import inert_streams

    atexit.register(_end_sooner)
    _print_renamed()
    debug = DEBUG in sys.argv
    if debug:
        sys.argv.remove(DEBUG)
    with inert_streams():
        try:
            app()
        except BrokenPipeError:
            # The reader of the output (head, less) has ended. Python would raise again when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a message
            if debug:
                import traceback

                traceback.print_exc()
                sys.exit(1)
            message, code = _explained(error)
            sys.stderr.write(f"qbench: {message}\n")
            sys.exit(code)


def _explained(error: Exception) -> tuple[str, int]:
    """What is said of an error, and the exit code."""
    from qbench.errors import MachineError, QbenchError

    known = error if isinstance(error, QbenchError) else MachineError.of(error)
    if known is not None:
        return str(known), known.exit_code
    return (
        f"{type(error).__name__}: {error}\nThis is a defect of qbench or of a plugin. "
        f"Repeat the command with {DEBUG} to see the traceback.",
        1,
    )
