"""Datasets that say in a ``dataset.toml`` what they are and what is measured on them: no code.

`schema` is what such a file may say, `read` reads it, `groups` and `table` make items of the table, `task` measures,
`record` makes a `Benchmark` of it. Importing this package and `record` is light.
"""
