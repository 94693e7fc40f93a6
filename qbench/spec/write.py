"""A `RunSpec` as the text of a TOML file that says the same."""

from __future__ import annotations

from typing import Any

from qbench.spec.model import RunSpec


def spec_text(spec: RunSpec) -> str:
    """The spec as TOML, without what has its default value; all its folders are absolute.

    Examples
    --------
    >>> from qbench.spec.read import read_spec
    >>> spec = read_spec({"name": "x", "models": ["demo/balanced"], "quantizers": ["fp32"], "benchmarks": ["facet"]})
    >>> print(spec_text(spec.model_copy(update={"base": "/data"})))
    name = "x"
    base = "/data"
    models = [{source = "demo", checkpoint = "balanced"}]
    quantizers = [{name = "fp32"}]
    benchmarks = [{name = "facet"}]
    <BLANKLINE>
    """
    import tomlkit

    values = spec.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    tables = {name: values.pop(name) for name in [name for name in values if isinstance(values[name], dict)]}
    named = ("models", "quantizers", "benchmarks", "comparisons")
    lists = {name: values.pop(name) for name in named if name in values}
    document = tomlkit.document()
    for name, value in {**values, **lists, **tables}.items():
        document.add(name, _in_lines(value) if name in lists else value)
    return tomlkit.dumps(document)


def _in_lines(values: list[dict[str, Any]]) -> Any:
    """A list of tables with one line for each, where there are several."""
    import tomlkit

    array = tomlkit.array()
    for value in values:
        table = tomlkit.inline_table()
        table.update(value)
        array.append(table)
    return array.multiline(len(values) > 1)
