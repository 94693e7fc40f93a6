"""Names of new distributions: an invalid name is refused before anything is written. Nothing is written in part."""

from pathlib import Path

import pytest

from qbench.errors import InputError, MachineError
from qbench.scaffold import create


@pytest.mark.parametrize("name", ["", "Mine", "my method", "my--method", "../mine", "1st", "mine-", 'x"y', "mÿ"])
def test_a_name_that_cannot_be_one_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="is not a valid name"):
        create("quantizer", name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_name_of_something_installed_is_refused(tmp_path):
    with pytest.raises(InputError, match="a module called qbench_clip is installed already"):
        create("model", "clip", tmp_path)


def test_the_prefix_is_dropped_and_a_folder_is_never_written_into(tmp_path):
    folder = create("benchmark", "qbench-my-task", tmp_path)
    assert folder.name == "qbench-my-task"
    assert (folder / "qbench_my_task" / "task.py").is_file()
    with pytest.raises(InputError, match="the folder exists already"):
        create("benchmark", "my-task", tmp_path)


def test_a_disk_that_is_full_halfway_leaves_nothing(tmp_path, monkeypatch):
    write, written = Path.write_text, []

    def full(path, *how, **more):
        written.append(path)
        if len(written) > 3:
            raise OSError(28, "No space left on device")
        return write(path, *how, **more)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(MachineError, match="qbench-my-task: the disk is full"):
            create("benchmark", "my-task", tmp_path)
    assert len(written) == 4
    assert not list(tmp_path.iterdir())
    assert create("benchmark", "my-task", tmp_path).is_dir()
