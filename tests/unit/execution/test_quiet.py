"""What libraries say goes to the log: through the root, and through handlers of their own."""

import io
import logging
from pathlib import Path

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


def test_a_log_has_no_effect_on_the_terminal_that_shows_it(tmp_path):
    with quiet(tmp_path / "log", structured=tmp_path / "log.jsonl"):
        logging.getLogger("a.library").warning("\x1b[31m %s is damaged", "\x9bname")
    assert "\\u001b[31m \\u009bname is damaged" in (tmp_path / "log").read_text("utf-8")
    for log in (tmp_path / "log", tmp_path / "log.jsonl"):
        assert not set(log.read_text("utf-8")) & {"\x1b", "\x9b"}


def test_what_the_cache_says_is_in_the_log_and_told_once(tmp_path):
    told = []
    with quiet(tmp_path / "log", told.append):
        for _ in range(2):
            logging.getLogger("qbench.store.arrays").warning("%s is damaged", "a")
        logging.getLogger("another").warning("noise")
    assert told == ["a is damaged"]
    assert (tmp_path / "log").read_text().count("a is damaged") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_log_that_cannot_be_written_stops_nothing_and_is_said_once(capfd):
    told = []
    with quiet(Path("/dev/full"), told.append):
        for i in range(3):
            logging.getLogger("another").warning("noise %d", i)
    assert told == ["/dev/full: the log cannot be written (No space left on device)"]
    assert capfd.readouterr() == ("", "")
