"""The presets and their summaries. Light, without pydantic, so that ``qbench list`` is fast."""

from __future__ import annotations

from importlib.resources import files

PRESETS = files("qbench.spec") / "presets"


def presets() -> dict[str, str]:
    """The presets by name, each with its first comment line, sorted.

    Examples
    --------
    >>> presets()["demo"]
    'Drawn images and tiny models: shows all of qbench in minutes, with no data, network or accelerator'
    """
    found = {}
    for entry in sorted(PRESETS.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            first = entry.read_text(encoding="utf-8").splitlines()[0]
            found[entry.name.removesuffix(".toml")] = first.lstrip("# ").strip()
    return found
