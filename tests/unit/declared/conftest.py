"""A small declared dataset in a folder, and changes to it."""

import json
from pathlib import Path

import numpy as np
import pytest

PEOPLE = """id,file,job,second,sex,years,dark,light,t1,t2,x,y,w,h,part
1,a.jpg,nurse,,m,20,0,1,2,1,0,0,10,10,test
2,b.jpg,nurse,doctor,f,30,1,0,0,3,1,1,10,10,test
3,c.jpg,doctor,,m,70,0,0,0,0,2,2,10,10,test
4,d.jpg,doctor,,f,40,1,1,1,0,3,3,10,10,test
5,e.jpg,doctor,,f,41,1,0,1,1,4,4,10,10,train
"""


def merged(first, second):
    """Nested dicts, the second one's values before the first one's; `None` takes a key away."""
    both = dict(first)
    for key, value in second.items():
        inner = isinstance(value, dict) and isinstance(both.get(key), dict) and value
        both[key] = merged(both[key], value) if inner else value
    return {key: value for key, value in both.items() if value is not None}


def toml(values, table=""):
    """Plain values as TOML: enough for these tests."""
    lines = [f"{json.dumps(k)} = {_value(v)}" for k, v in values.items() if not _is_table(k, v)]
    for key, value in values.items():
        if _is_table(key, value):
            name = f"{table}{json.dumps(key)}"
            lines += [f"[{name}]", toml(value, f"{name}.")]
    return "\n".join(lines)


def _is_table(key, value):
    return isinstance(value, dict) and key not in ("values", "bins", "flags", "names", "box", "keep")


def _value(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value) if isinstance(value, float) else json.dumps(value)


CLASSIFY = {
    "name": "jobs",
    "protocol": "classification-disparity",
    "licence": "CC0-1.0",
    "perceived": True,
    "min_group": 1,
    "table": {"file": "people.csv", "image": "file", "id": "id", "label": "job"},
    "prompts": {"template": "a photo of a {}."},
    "attributes": {"sex": {"values": {"woman": "f", "man": "m"}}},
}
RANK = {
    "name": "ranks",
    "protocol": "retrieval-skew",
    "licence": "CC0-1.0",
    "perceived": False,
    "ks": [2],
    "table": {"file": "people.csv", "image": "file"},
    "prompts": {"queries": ["good", "bad"], "template": "a {} person"},
    "attributes": {"sex": {"values": {"woman": "f", "man": "m"}}},
}


@pytest.fixture
def declare(tmp_path):
    """``(change, kind, people) -> path`` of a dataset.toml with its table beside it."""

    def write(change=(), kind="classify", people=PEOPLE) -> Path:
        values = merged(CLASSIFY if kind == "classify" else RANK, dict(change))
        if people is not None:
            (tmp_path / "people.csv").write_text(people, "utf-8")
        path = tmp_path / "dataset.toml"
        path.write_text(toml(values), "utf-8")
        return path

    return write


@pytest.fixture
def items_of(declare):
    """``(change, …) -> Items`` of such a dataset."""

    def read(*arguments, **options):
        from qbench.declared.record import describe

        path = declare(*arguments, **options)
        record = describe(path)
        return record.load(record.options()).data(path.parent)

    return read


class Matrix:
    """The `Similarity` of a matrix."""

    def __init__(self, values):
        self.values = np.asarray(values, dtype=np.float64)
        self.shape = self.values.shape

    def items(self, start, stop):
        return self.values[start:stop]

    def targets(self, start, stop):
        return self.values[:, start:stop].T


@pytest.fixture
def matrix():
    """``(values) -> Similarity``."""
    return Matrix
