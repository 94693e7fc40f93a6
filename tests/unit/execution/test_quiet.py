"""What libraries say goes to the log: through the root, and through handlers of their own."""

import io
import logging

import pytest

from qbench.execution.quiet import LOUD, quiet


@pytest.mark.parametrize("name", ["some.library", *LOUD])
def test_what_a_library_logs_is_in_the_log_and_not_on_the_terminal(tmp_path, name):
    logger, terminal = logging.getLogger(name), io.StringIO()
    own = logging.StreamHandler(terminal)
    parent = logging.getLogger(name.rpartition(".")[0])
    parent.addHandler(own)  # as torch does it
    logger.propagate = True
    root = logging.getLogger().handlers[:]
    try:
        with quiet(tmp_path / "log"):
            logging.getLogger(name).warning("deprecated, some day")
    finally:
        parent.removeHandler(own)
    assert "deprecated, some day" in (tmp_path / "log").read_text()
    assert (terminal.getvalue() == "") == (name in LOUD)
    assert logging.getLogger().handlers == root
    assert logger.propagate
    assert logger.handlers == []
