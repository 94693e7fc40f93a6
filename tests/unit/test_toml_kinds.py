"""A spec, a policy or a dataset.toml in place of another one is recognised, with the command that takes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qbench.cli import app
from qbench.declared.read import FILE, read_raw
from qbench.declared.schema import Description
from qbench.errors import InputError
from qbench.policy.model import Policy, read_policy
from qbench.spec.model import RunSpec
from qbench.spec.read import read_spec
from qbench.toml_kinds import KEYS

SPEC = 'name = "x"\nbaseline = "fp32"\nmodels = ["demo/balanced"]\nquantizers = ["fp32"]\nbenchmarks = ["facet"]\n'
POLICY = '[[rule]]\nid = "r"\nrole = "accuracy"\nscope = "overall"\n'
DATASET = 'name = "jobs"\nprotocol = "classification-disparity"\n\n[table]\nfile = "people.csv"\n'
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "spec": (SPEC, read_spec),
    "policy": (f"version = 1\n{POLICY}", read_policy),
    "dataset.toml": (DATASET, read_raw),
}
COMMANDS = {"spec": "`qbench plan ", "policy": "`qbench power ", "dataset.toml": "`qbench data check "}


@pytest.mark.parametrize("wanted", READERS)
@pytest.mark.parametrize("given", READERS)
def test_each_reader_knows_the_files_of_the_others(tmp_path: Path, wanted: str, given: str) -> None:
    path = tmp_path / "some.toml"
    path.write_text(READERS[given][0], encoding="utf-8")
    if given == wanted:
        assert READERS[wanted][1](path)
        return
    with pytest.raises(InputError) as error:
        READERS[wanted][1](path)
    assert error.value.what == f"this is a {given}, and not a {wanted}"
    assert f"{COMMANDS[given]}{path}`" in error.value.fix


def test_no_file_is_taken_for_one_of_another_kind() -> None:
    models = {"spec": RunSpec, "policy": Policy, FILE: Description}
    for kind, model in models.items():
        for other, keys in KEYS.items():
            known = {name for field, info in model.model_fields.items() for name in (field, info.alias)}
            assert (keys <= known) if kind == other else not (keys & known)


@pytest.mark.parametrize("name", ["spec.toml", "paper"])
def test_data_check_names_the_command_for_a_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.toml").write_text(SPEC, encoding="utf-8")
    done = CliRunner().invoke(app, ["data", "check", name])
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    assert done.exception.what.startswith("this is a spec")
    assert f"`qbench plan {tmp_path / name if name.endswith('.toml') else name}`" in done.exception.fix
