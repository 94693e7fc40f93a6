"""``qbench verify`` and ``qbench bundle``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qbench.cli.common import RUN, run_folder

if TYPE_CHECKING:
    from qbench.results.verify import Verification

EXAMPLES = (
    "Examples: `qbench verify qbench-runs/demo` | `qbench verify demo.zip` | `qbench verify qbench-runs/demo --json`"
)
SHOWN = 3
"""Files of which the same was found that are named; ``--json`` names all."""
BUNDLE_EXAMPLES = "Examples: `qbench bundle qbench-runs/demo --out demo.zip`, then `qbench verify demo.zip`"


def command(
    run: Annotated[str, typer.Argument(metavar="RUN", help=f"{RUN[:-1]}; or a file that `qbench bundle` wrote.")],
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Check that a run is what was written: compare every file with its digest, compute numbers and verdicts again.

    The numbers are computed by the benchmark's plugin from the stored items, and the analysis from them, with the
    settings that it was made with; this needs no model and no image. Of a run in an object store, all is fetched again.

    Exit code 0: all is as it was written, 1: something differs, 2: something could not be checked.
    """
    from qbench.results.verify import verify
    from qbench.runfolder.exchange import fetched_anew

    with fetched_anew(run) as folder:
        found = verify(folder)
    if json:
        _show_json(found)
    else:
        _show(found)
    raise typer.Exit(found.exit_code)


def bundle(
    run: Annotated[Path, typer.Argument(parser=run_folder, metavar="RUN", help=RUN)],
    out: Annotated[Path, typer.Option(help="The file, a zip archive.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a run into one file that can be passed on and checked with `qbench verify`.

    It has the records, the outcome of every item, the numbers and the analysis, with the digest of each file. It has no
    images, no log and no report. The messages of cells that failed may contain paths of this machine.
    """
    from qbench.errors import InputError
    from qbench.results import load
    from qbench.runfolder.bundle import write_bundle

    if out.exists() and not force:
        raise InputError("the file exists", where=str(out), fix="Give another name, or replace it with --force.")
    load(run)  # what is damaged is not sealed
    digest = write_bundle(run, out)
    typer.echo(f"Bundle: {out}")
    typer.echo(f"SHA-256: {digest}")


def _show(found: Verification) -> None:
    typer.echo(f"{found.run}: {found.files:,} files are what was written.")
    typer.echo(f"The numbers of {found.recomputed:,} of {found.cells:,} cells were computed again, and are equal.")
    if found.analysed:
        typer.echo("The analysis was made again, and is equal.")
    alike: dict[tuple[str, str], list[str]] = {}
    for finding in found.findings:
        alike.setdefault((finding.verdict, finding.what), []).append(finding.file)
    for (verdict, what), files in alike.items():
        more = f" and {len(files) - SHOWN:,} more" if len(files) > SHOWN else ""
        typer.echo(f"{verdict}: {', '.join(files[:SHOWN])}{more}: {what}")
    typer.echo(
        ("Nothing differs.", "Something differs.", "Nothing differs, but not everything could be checked.")[
            found.exit_code
        ]
    )


def _show_json(found: Verification) -> None:
    import json
    from dataclasses import asdict

    typer.echo(json.dumps({**asdict(found), "exit_code": found.exit_code}, indent=1, ensure_ascii=False))
