"""A file to attach to a bug report: versions, environment, and the records and logs of a run; no images, no secrets.

Only files with known names are taken from a run folder, and no link is followed. From every text, tokens and the names
of home folders are removed (`Redaction`).
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from qbench.doctor import Check
from qbench.errors import InputError
from qbench.execution.environment import environment
from qbench.runfolder.integrity import inside
from qbench.store.files import atomic

OF_A_RUN = ("run.json", "environment.json", "run.log", "run.log.jsonl", "cells/*/*/*/cell.json", "speed/*/*.json")
"""What is taken from a run folder: records and logs. Tables, the report and images are not."""

LONGEST = 5_000_000
"""The most bytes of one file; of a longer one the end is taken."""

LIBRARIES = ("HF", "HUGGINGFACE", "TRANSFORMERS", "TORCH", "PYTORCH", "CUDA", "NVIDIA", "OMP", "MKL", "PYTHON")
VARIABLES = ("QBENCH", *LIBRARIES)
"""How the names of environment variables begin that can matter; `LOCALE` and these are in the bundle, and no others."""
LOCALE = ("LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "CONDA_PREFIX", "BITSANDBYTES_NOWELCOME", "TOKENIZERS_PARALLELISM")

SECRET_NAME = re.compile(r"TOKEN|KEY|SECRET|PASS|PWD|AUTH|CREDENTIAL|COOKIE|SIGNATURE|SESSION", re.IGNORECASE)
NO_SECRET = frozenset({"PWD", "OLDPWD", "TOKENIZERS_PARALLELISM"})
"""Names that look like those of secrets but are not: the working folder would be removed from every path."""
HIDDEN = "[removed]"
SECRETS = (
    (re.compile(r"(?P<kept>\b[a-z][a-z0-9+.-]{0,30}://)[^\s/\"'\\]+@", re.IGNORECASE), rf"\g<kept>{HIDDEN}@"),
    (
        re.compile(r"(?P<kept>\b[a-z][a-z0-9+.-]{0,30}://[^\s?#\"'<>\\]+)[?#][^\s\"'<>)\\]+", re.IGNORECASE),
        rf"\g<kept>?{HIDDEN}",
    ),
    (re.compile(r"(?P<kept>\b(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\g<kept>{HIDDEN}"),
    (
        re.compile(
            r"(?P<kept>(?:token|api[_-]?key|(?:secret|access|private)[\w-]{0,30}key|secret|password|passwd|authorization|"
            r"cookie)\\?[\"']?\s*[=:]\s*\\?[\"']?)"
            r"(?:[^\s\"',;}&\\]|\\[^\"']){4,}",
            re.IGNORECASE,
        ),
        rf"\g<kept>{HIDDEN}",
    ),
    (
        re.compile(
            r"\b(?:hf_|gh[pousr]_|github_pat_|glpat-|sk-|xox[a-z]-|pypi-|AKIA|ASIA|AIza|wandb_)[A-Za-z0-9_-]{10,}"
        ),
        HIDDEN,
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}"), HIDDEN),
)
"""Patterns of secrets: those in URLs, in headers and settings, of well-known services, and private keys. The repeats
that could begin anywhere in a long text are limited, so that the time does not grow with the square of its length."""

HOMES = re.compile(r"(?:/home|/Users|[A-Za-z]:\\+Users)[/\\]+[^/\\\s\"':,;]+")


def _is_secret(name: str) -> bool:
    """Whether a variable has the name of a secret."""
    return name not in NO_SECRET and SECRET_NAME.search(name) is not None


@dataclass(frozen=True, kw_only=True)
class Redaction:
    """Removes secrets and the names of home folders from texts.

    Attributes
    ----------
    secrets : tuple of str
        Values that are removed wherever they stand, the longest first.
    home : str
        The home folder of the user.

    Examples
    --------
    >>> private = Redaction(secrets=("s3cr3t-value",), home="/data/people/ada")
    >>> private.text("s3cr3t-value in /data/people/ada/x, /home/bob/y and https://me:pw@example.org/z?sig=1")
    '[removed] in ~/x, ~/y and https://[removed]@example.org/z?[removed]'
    """

    secrets: tuple[str, ...] = ()
    home: str = ""

    @classmethod
    def of_this_machine(cls, variables: Mapping[str, str]) -> Redaction:
        """The values of all variables that have the name of a secret, and the home folder."""
        values = {value for name, value in variables.items() if _is_secret(name) and len(value) >= 6}
        return cls(secrets=tuple(sorted(values, key=len, reverse=True)), home=str(Path.home()))

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, kept in SECRETS:
            text = pattern.sub(kept, text)
        if len(self.home) > 1:
            text = re.sub(re.escape(self.home) + r"(?![\w.-])", "~", text)
        return HOMES.sub("~", text)

    def variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The environment variables that can matter; of secrets only that they are there."""
        wanted = {n: v for n, v in variables.items() if n in LOCALE or n.partition("_")[0] in VARIABLES}
        return {n: HIDDEN if _is_secret(n) else self.text(v) for n, v in sorted(wanted.items())}


def contents(checks: list[Check], run: Path | None, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make the files of a bundle.

    Parameters
    ----------
    checks : list of Check
        What `qbench.doctor.checks` found.
    run : pathlib.Path, optional
        A run folder.
    variables : mapping, optional
        The environment variables; those of this process if not given.

    Returns
    -------
    dict of str to str
        Name → text, without secrets.

    Raises
    ------
    qbench.errors.InputError
        `run` is not a folder with a run.
    """
    variables = os.environ if variables is None else variables
    private = Redaction.of_this_machine(variables)
    found = [line for c in checks for line in (f"{c.state}: {c.name}: {c.found}", f"    {c.fix}") if line.strip()]
    packages = sorted({f"{d.metadata['Name']}=={d.version}" for d in distributions()}, key=str.lower)
    files = {
        "doctor.txt": "\n".join(found) + "\n",
        "machine.json": json.dumps(environment().json_values(), indent=1),
        "packages.txt": "\n".join(packages) + "\n",
        "variables.json": json.dumps(private.variables(variables), indent=1),
        **({f"run/{name}": _end(path) for name, path in _of_a_run(run)} if run is not None else {}),
    }
    return {name: private.text(text) for name, text in files.items()}


def write(path: Path, files: Mapping[str, str]) -> None:
    """Write the files of a bundle as a ZIP archive; the same files give the same bytes."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text.encode(errors="backslashreplace"), zipfile.ZIP_DEFLATED)


def _of_a_run(run: Path) -> Iterator[tuple[str, Path]]:
    found = sorted({path for pattern in OF_A_RUN for path in run.glob(pattern)})
    if not found:
        raise InputError("this is not a run folder: it has no records and no logs", where=str(run))
    for path in found:
        name = path.relative_to(run).as_posix()
        try:
            inside(run, name)
        except InputError:
            continue  # a link that leads elsewhere
        if path.is_file():
            yield name, path


def _end(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST))
        return file.read().decode("utf-8", "backslashreplace")
