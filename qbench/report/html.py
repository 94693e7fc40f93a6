"""Sections → one HTML file that asks the network for nothing and needs no script."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from qbench.report.compare import Comparison
from qbench.report.numbers import clean
from qbench.report.sections import accuracy, coverage, data, fairness, gaps, noise, provenance, speed, summary, tests
from qbench.results import Results
from qbench.store.files import write_text

SECTIONS = (summary, accuracy, fairness, tests, noise, coverage, speed, data, gaps, provenance)


def template_folder() -> Path:
    """Where the templates are: in the installed package, else beside the checkout.

    Raises
    ------
    FileNotFoundError
        Neither is there: the installation is broken.
    """
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "templates", here.parents[2] / "templates"):
        if (folder / "report.html.j2").is_file():
            return folder
    raise FileNotFoundError("qbench's templates are not installed: reinstall qbench-vlm")


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """The template environment: every text is escaped, whatever the template's file is called."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        autoescape=True,  # select_autoescape would leave .j2 files unescaped
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalize(value: Any) -> Any:
    return clean(value, isolates=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def page(results: Results) -> str:
    """Render the report of a run. Same results, same text.

    Raises
    ------
    qbench.errors.InputError
        A file of the run folder is missing or damaged.
    """
    comparison = Comparison(results)
    style = (template_folder() / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            title=results.name,
            created=str(results.run.get("created") or "")[:16].replace("T", " "),
            version=str(results.run.get("qbench_version") or ""),
            sections=[module.section(comparison) for module in SECTIONS],
            style=Markup(style),  # qbench's own file: no text of a user is in it
            style_hash=digest,
        )
    )


def render(results: Results, out: Path) -> Path:
    """Write the report of a run to `out`, whole or not at all.

    Parameters
    ----------
    results : Results
        Of ``qbench.results.load``.
    out : pathlib.Path
        The file; its folder is made.
    """
    write_text(Path(out), page(results))
    return Path(out)
