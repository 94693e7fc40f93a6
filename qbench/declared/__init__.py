"""Declared datasets: datasets without code, described by a ``dataset.toml`` that also says what is measured on them.

`schema` defines what such a file can say and `read` reads it; `groups` and `table` turn the table into items; `task`
measures; `record` makes the `Benchmark`. Importing this package and `record` is light.
"""
