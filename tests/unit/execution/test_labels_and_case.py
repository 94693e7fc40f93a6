"""Labels with upper-case letters: folders of an earlier version are used, and labels of one key are kept apart."""

import json

from qbench.execution.run import execute
from qbench.results.results import load


def test_a_run_of_an_earlier_version_is_continued_where_its_cells_are(spec, registry, cache, tmp_path):
    wanted = spec(benchmarks=[{"name": "toys", "dataset": "drawn", "label": "Toys"}])
    execute(wanted, tmp_path / "run", registry=registry, cache=cache)
    (own,) = (tmp_path / "run" / "cells").iterdir()
    own.rename(own.with_name("Toys"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "cells").rglob("cell.json")}
    summary = execute(wanted, tmp_path / "run", registry=registry, cache=cache)
    assert (summary.done, summary.computed) == (2, 0)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "cells").rglob("cell.json")} == before
    assert len(load(tmp_path / "run").metrics) > 0


def test_variants_of_one_key_have_folders_that_differ_in_more_than_case(spec, registry, cache, tmp_path):
    wanted = spec(quantizers=["base", {"name": "half", "label": "Half"}, {"name": "half", "label": "half"}])
    execute(wanted, tmp_path / "run", registry=registry, cache=cache)
    cells = json.loads((tmp_path / "run" / "run.json").read_text())["cells"]
    assert len({cell.lower() for cell in cells}) == 3
    assert cells[1][-8:] == cells[2][-8:], "the labels are part of the key, so that this shows nothing"
