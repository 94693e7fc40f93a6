"""Reading a spec: a TOML file or a preset's name → a `RunSpec`, with messages a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qbench.errors import InputError
from qbench.policy.model import read_policy
from qbench.spec.model import RunSpec
from qbench.spec.preset_list import PRESETS, presets
from qbench.store.files import parse_toml, text_of, too_large, user_path
from qbench.toml_errors import explain


def read_spec(source: str | Path | Mapping[str, Any]) -> RunSpec:
    """A spec from a preset's name, a TOML file, or plain values.

    Relative roots and paths in a file are relative to that file.

    Raises
    ------
    InputError
        There is no such file or preset, it is not TOML, or it says something that a spec cannot say.
    """
    if isinstance(source, Mapping):
        return validate(source, where="the spec", base=Path.cwd())
    known = presets()
    if str(source) in known:
        text, where, base = (PRESETS / f"{source}.toml").read_text(encoding="utf-8"), f"preset {source}", Path.cwd()
    else:
        text, where, base = _read(Path(source), known), str(source), Path(source).absolute().parent
    return validate(parse_toml(text, where=where, kind="spec"), where=where, base=base)


def validate(values: Mapping[str, Any], *, where: str, base: Path) -> RunSpec:
    """Plain values as a `RunSpec`; the roots of datasets, and the spec's own `base`, are relative to `base`.

    Which options are paths is known to the plugins only: the plan makes them absolute.
    """
    if (field := too_large(values)) is not None:
        raise InputError(f"{field} is too large a number", where=where)
    named = values.get("policy")
    if isinstance(named, str):
        folder = user_path(str(values.get("base") or ""), base=base, where=f"{where}: base")
        values = {**values, "policy": read_policy(user_path(named, base=folder, where=f"{where}: policy"))}
    try:
        spec = RunSpec.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(explain(error, RunSpec, "the spec"), where=where) from None
    base = user_path(spec.base, base=base, where=f"{where}: base")
    benchmarks = [
        b.model_copy(update={"root": str(user_path(b.root, base=base, where=f"{where}: root"))}) if b.root else b
        for b in spec.benchmarks
    ]
    return spec.model_copy(update={"base": str(base), "benchmarks": benchmarks})


def _read(path: Path, known: Mapping[str, str]) -> str:
    try:
        return text_of(path)
    except FileNotFoundError:
        close = difflib.get_close_matches(str(path), known, n=1)
        hint = f"Did you mean the preset {close[0]!r}? " if close else ""
        raise InputError(
            "there is no such spec file, and no preset of that name",
            where=str(path),
            fix=f"{hint}Presets: {', '.join(known)}.",
        ) from None
    except IsADirectoryError:
        raise InputError("this is a folder, not a spec file", where=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8 text", where=str(path)) from None
    except OSError as error:
        raise InputError(f"the file cannot be read ({error.strerror})", where=str(path)) from None
    except ValueError:
        raise InputError("this cannot be the name of a file", where=repr(str(path))) from None
