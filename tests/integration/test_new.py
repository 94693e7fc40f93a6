"""`qbench new`: each kind is a complete distribution that passes its own tests as it was written."""

import tomllib

import pytest

from qbench.scaffold import KINDS, create


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("new")
    return {kind: create(kind, f"tried-{kind}", folder) for kind in KINDS}


@pytest.fixture(scope="module")
def site(written, install):
    return install(*written.values())


@pytest.mark.parametrize("kind", KINDS)
def test_it_passes_its_own_tests_from_a_wheel(kind, written, site, own_tests):
    said = own_tests(written[kind], site)
    assert "passed" in said
    assert "failed" not in said


def test_all_of_them_together_are_light_and_clash_with_nobody(qbench, site, tmp_path, written):
    said = qbench("plugins", "--strict", cwd=tmp_path, PYTHONPATH=str(site)).stdout
    for kind in KINDS:
        assert f"tried-{kind}" in said


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_there_and_says_what_is_asked_for(kind, written):
    folder = written[kind]
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    package = f"qbench_tried_{kind}"
    assert project["project"]["entry-points"]["qbench"] == {f"tried-{kind}": package}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", ".gitignore", ".github/workflows/test.yml", "tests/test_contract.py"} <= files
    assert f"{package}/__init__.py" in files
    assert not [name for name in files if name.endswith(".j2")]
    assert "qbench plugins --strict" in (folder / ".github" / "workflows" / "test.yml").read_text()


def test_the_command_says_what_to_do_next(qbench, tmp_path):
    said = qbench("new", "quantizer", "mine", "--dir", "work", cwd=tmp_path).stdout
    assert "Written: work/qbench-mine" in said
    assert "pip install -e" in said
    assert (tmp_path / "work" / "qbench-mine" / "qbench_mine" / "method.py").is_file()
    assert "the folder exists already" in qbench("new", "model", "mine", "--dir", "work", cwd=tmp_path, check=2).stderr
