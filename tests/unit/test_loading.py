"""What could run code of others while a checkpoint is loaded is switched off in every call, and says so there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAFE: dict[str, tuple[str, object]] = {
    "from_pretrained": ("trust_remote_code", False),
    "from_config": ("trust_remote_code", False),
    "pipeline": ("trust_remote_code", False),
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
}
"""A call, by the end of its name → the argument that it must have."""


def unsafe(source: str) -> Iterator[str]:
    """The calls that lack their argument."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = f".{ast.unparse(node.func)}"
        for name, (argument, value) in SAFE.items():
            given = [k.value for k in node.keywords if k.arg == argument]
            safe = bool(given) and isinstance(given[0], ast.Constant) and given[0].value is value
            if called.endswith(f".{name}") and not safe:
                yield f"line {node.lineno}: {called[1:]} without {argument}={value}"


def test_no_call_loads_code() -> None:
    files = [path for top in ("qbench", "plugins", "tools") for path in (ROOT / top).rglob("*.py")]
    sources = {path: path.read_text(encoding="utf-8") for path in files}
    found = [f"{path.relative_to(ROOT)}: {call}" for path, source in sources.items() for call in unsafe(source)]
    assert sum("from_pretrained(" in source for source in sources.values()) >= 3
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "AutoModel.from_pretrained(folder)",
        "getattr(transformers, name).from_pretrained(folder, **options)",
        "AutoModel.from_pretrained(folder, trust_remote_code=True)",
        "AutoModel.from_pretrained(folder, trust_remote_code=wanted)",
        "torch.load(path, map_location='cpu')",
        "np.load(path)",
    ],
)
def test_an_unsafe_call_is_found(source: str) -> None:
    assert list(unsafe(source))
