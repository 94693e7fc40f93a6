"""Which plugins are loaded: named by variable or on the command line; a name that is nobody's is an error."""

import types
from importlib.metadata import EntryPoint

import pytest

from qbench.errors import InputError
from qbench.plugins.selection import ONLY, WITHOUT, chosen, leave_out


class Point(EntryPoint):
    """An entry point of a distribution."""

    @property
    def dist(self):
        return types.SimpleNamespace(name="qbench-vlm" if self.value == "own" else "stranger", version="1")


POINTS = [Point("clip", "own", "qbench"), Point("demo", "own", "qbench"), Point("rtn", "x", "qbench")]


def names(monkeypatch, **variables):
    for name in (ONLY, WITHOUT):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    wanted = chosen(POINTS)
    return [point.name for point in POINTS if wanted(point)]


@pytest.mark.parametrize(
    ("variables", "left"),
    [
        ({}, ["clip", "demo", "rtn"]),
        ({ONLY: ""}, ["clip", "demo"]),
        ({ONLY: "rtn"}, ["rtn"]),
        ({ONLY: "built-in, rtn"}, ["clip", "demo", "rtn"]),
        ({ONLY: "rtn,clip"}, ["clip", "rtn"]),
        ({WITHOUT: "rtn"}, ["clip", "demo"]),
        ({WITHOUT: ""}, ["clip", "demo", "rtn"]),
        ({WITHOUT: "built-in"}, ["rtn"]),
        ({ONLY: "built-in", WITHOUT: "demo"}, ["clip"]),
    ],
)
def test_who_is_left(monkeypatch, variables, left):
    assert names(monkeypatch, **variables) == left


@pytest.mark.parametrize("variable", [ONLY, WITHOUT])
def test_a_name_that_is_nobodys_gets_a_suggestion(monkeypatch, variable):
    with pytest.raises(InputError, match=rf"{variable}: there is no plugin called 'rtm'\nDid you mean 'rtn'\?"):
        names(monkeypatch, **{variable: "rtm"})


def test_what_the_command_line_leaves_out_is_added(monkeypatch):
    monkeypatch.setenv(WITHOUT, "demo")
    leave_out(["rtn"])
    wanted = chosen(POINTS)
    assert [point.name for point in POINTS if wanted(point)] == ["clip"]
