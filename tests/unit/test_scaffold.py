"""Names of new distributions: an invalid name is refused before anything is written."""

import pytest

from qbench.errors import InputError
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
