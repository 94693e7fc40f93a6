"""A light command ends without a search for cycles; one that has loaded torch ends as Python does."""

import sys

import pytest

from qbench import cli


@pytest.mark.parametrize("loaded", [False, True])
def test_what_torch_brings_is_not_said_to_be_leaked(monkeypatch, loaded):
    frozen = []
    monkeypatch.setattr(cli.gc, "freeze", lambda: frozen.append(1))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    if loaded:
        monkeypatch.setitem(sys.modules, "torch", object())
    cli._end_sooner()
    assert frozen == ([] if loaded else [1])
