"""A spec that is written says the same when it is read."""

import pytest

from qbench.spec.read import presets, read_spec
from qbench.spec.write import spec_text
from qbench.store.files import parse_toml

MINE = {
    "name": "x",
    "note": 'a "note"\\ with\nlines, ünicode and = [signs]',
    "models": [{"source": "clip", "label": "a b", "options": {"path": "folder"}}],
    "quantizers": ["fp32", {"name": "q", "label": "q: without a, b", "options": {"skip": ["a.*", "b"], "on": True}}],
    "benchmarks": [{"name": "facet", "root": "facet", "options": {"pairs": [["a", "b"]], "cut": 0.5}}],
    "calibration": {"folder": "photos", "items": 7},
    "half": {"part": "second", "seed": 3},
    "analysis": {"margins": {"facet.recall": 0.03}},
    "policy": {
        "version": 1,
        "rule": [{"id": "a", "metric": "recall", "scope": "overall", "limit": 0.01, "by": ["age"]}],
        "waiver": [{"rule": "a", "until": "2027-06-30", "why": "known"}],
    },
}


@pytest.mark.parametrize("source", [MINE, *presets()], ids=lambda source: source if isinstance(source, str) else "mine")
def test_a_spec_survives_being_written(source):
    spec = read_spec(source)
    text = spec_text(spec)
    assert read_spec(parse_toml(text, where="x")) == spec
    assert "noise" not in text  # what has its default value is left out
