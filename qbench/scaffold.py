"""Writes a new plugin distribution from templates: complete, small, and with tests that pass.

The files are Jinja templates in ``templates/new``: the folder ``common`` for what all kinds share, and one folder per
kind. The tests of qbench generate each kind and run its tests.
"""

from __future__ import annotations

import re
import runpy
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

import jinja2

from qbench.errors import InputError
from qbench.store.folders import new_folder

Kind = Literal["quantizer", "model", "benchmark", "dataset", "statistic", "section"]
KINDS: tuple[Kind, ...] = get_args(Kind)
IN_WORDS = {"model": "model source", "section": "report section"}
"""What a kind is called in a sentence, if that is not its name on the command line."""

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
PREFIX = "qbench-"


def create(kind: Kind, name: str, parent: Path) -> Path:
    """Write the distribution ``qbench-NAME`` into a new folder below `parent`.

    Parameters
    ----------
    kind : {"quantizer", "model", "benchmark", "dataset", "statistic", "section"}
        What the plugin provides.
    name : str
        Its name in a spec: lower-case letters, digits and single dashes. A leading ``qbench-`` is dropped.
    parent : pathlib.Path
        The folder in which the new folder is created.

    Returns
    -------
    pathlib.Path
        The new folder.

    Raises
    ------
    InputError
        The name is not valid or belongs to an installed module, or the folder exists already.
    """
    name = name.removeprefix(PREFIX)
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is not a valid name", fix="Use lower-case letters, digits and single dashes, as in my-method."
        )
    package = f"qbench_{name.replace('-', '_')}"
    if find_spec(package) is not None:
        raise InputError(f"a module called {package} is installed already", fix="Choose another name.")
    folder = parent / f"{PREFIX}{name}"
    if folder.exists():
        raise InputError("the folder exists already", where=str(folder), fix="Choose another name or another --dir.")
    words = {
        "kind": IN_WORDS.get(kind, kind),
        "name": name,
        "distribution": folder.name,
        "package": package,
        "title": "".join(part.capitalize() for part in name.split("-")),
        "version": version("qbench-vlm"),
    }
    source = _templates()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(source),
        autoescape=False,  # the files are Python and TOML, not HTML; the name is checked above
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    with new_folder(folder) as whole:
        for part in ("common", kind):
            for template in sorted((source / part).rglob("*.j2")):
                relative = template.relative_to(source / part).as_posix().removesuffix(".j2")
                target = whole / relative.replace("dot-", ".").replace("package/", f"{package}/")
                target.parent.mkdir(parents=True, exist_ok=True)
                text = environment.get_template(template.relative_to(source).as_posix()).render(words)
                target.write_text(text, encoding="utf-8")
        if kind == "dataset":  # images cannot be templates: a script of the distribution draws them
            drawing = whole / package / "data"
            runpy.run_path(str(drawing / "draw.py"))["main"](drawing)
    return folder


def _templates() -> Path:
    """The folder ``templates/new``: in the installed package, or else in the source tree."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "templates" / "new", here.parents[1] / "templates" / "new"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("qbench's templates are not installed: reinstall qbench-vlm")
