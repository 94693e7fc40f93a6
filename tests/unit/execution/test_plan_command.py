"""``qbench plan``: what is missing is listed; what is unusable is a warning, or an error where nothing else is left."""

import pytest
from typer.testing import CliRunner

from qbench.cli import app
from qbench.errors import InputError

SPEC = 'name = "s"\nmodels = ["openai/ViT-B-32"]\nquantizers = ["fp32", "fp16"]\n'


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """``(ages) -> result`` of `qbench plan` with one FairFace benchmark of one face for each age."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))

    def plan(*ages):
        spec = SPEC
        for i, age in enumerate(ages):
            root = tmp_path / f"data{i}"
            root.mkdir()
            (root / "fairface_label_val.csv").write_text(f"file,age,gender,race\na.jpg,{age},Male,White\n")
            (root / "a.jpg").touch()
            spec += f'[[benchmarks]]\nname = "fairface"\nlabel = "b{i}"\nroot = "{root}"\n'
        (tmp_path / "s.toml").write_text(spec)
        return CliRunner().invoke(app, ["plan", str(tmp_path / "s.toml"), "--out", str(tmp_path / "run")])

    return plan


def test_what_is_only_missing_is_no_error(planned):
    done = planned("20-29")
    assert done.exit_code == 0
    assert "2 that need a missing model or missing data" in " ".join(done.output.split())
    assert "unusable" not in done.output


def test_some_unusable_cells_are_a_warning_with_the_reason(planned):
    done = planned("20-29", "young")
    said = " ".join(done.output.split())
    assert done.exit_code == 0
    assert "Warning: 2 of 4 cells are unusable; a run fails them and goes on: b1: " in said
    assert "the age 'young' is not one of" in said
    assert "2 that need a missing model or missing data" in said


def test_a_plan_of_which_every_cell_is_unusable_is_refused_with_the_reasons(planned):
    done = planned("young", "old")
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    assert "s: every cell is unusable:\nb0: " in str(done.exception)
    assert "the age 'old' is not one of" in str(done.exception)
    assert "models" in done.output  # the tables are shown all the same
