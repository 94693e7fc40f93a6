"""A new distribution from templates: whole, small, and passing its own tests as it is written.

The files are Jinja templates under ``templates/new``: one folder for what all kinds share, one for each kind. What they
say is tested by generating each kind and running its tests.
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

Kind = Literal["quantizer", "model", "benchmark", "dataset"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
PREFIX = "qbench-"


def create(kind: Kind, name: str, parent: Path) -> Path:
    """Write the distribution ``qbench-NAME`` into a new folder below `parent`.

    Parameters
    ----------
    kind : {"quantizer", "model", "benchmark", "dataset"}
        What it gives.
    name : str
        Its name in a spec: lower case letters, digits and single dashes; ``qbench-`` in front is dropped.
    parent : pathlib.Path
        Where the folder is made.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InputError
        The name cannot be one, is taken by something that is installed, or the folder is there already.
    """
    name = name.removeprefix(PREFIX)
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be a name", fix="Use lower case letters, digits and single dashes, as in my-method."
        )
    package = f"qbench_{name.replace('-', '_')}"
    if find_spec(package) is not None:
        raise InputError(f"there is a module {package} on this machine already", fix="Choose another name.")
    folder = parent / f"{PREFIX}{name}"
    if folder.exists():
        raise InputError("there is something already", where=str(folder), fix="Choose another name or --dir.")
    words = {
        "kind": kind,
        "name": name,
        "distribution": folder.name,
        "package": package,
        "title": "".join(part.capitalize() for part in name.split("-")),
        "version": version("qbench-vlm"),
    }
    source = _templates()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(source),
        autoescape=False,  # Python and TOML, not HTML; the words are checked above
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    for part in ("common", kind):
        for template in sorted((source / part).rglob("*.j2")):
            relative = template.relative_to(source / part).as_posix().removesuffix(".j2")
            target = folder / relative.replace("dot-", ".").replace("package/", f"{package}/")
            target.parent.mkdir(parents=True, exist_ok=True)
            text = environment.get_template(template.relative_to(source).as_posix()).render(words)
            target.write_text(text, encoding="utf-8")
    if kind == "dataset":  # images cannot be templates: the distribution brings what draws them
        drawing = folder / package / "data"
        runpy.run_path(str(drawing / "draw.py"))["main"](drawing)
    return folder


def _templates() -> Path:
    """The folder ``templates/new``: in the installed package, else beside the checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "templates" / "new", here.parents[1] / "templates" / "new"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("qbench's templates are not installed: reinstall qbench-vlm")
