"""What is no file (a pipe, a device, a socket) is refused wherever a file is named, and nothing waits for it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qbench.data.promptsets import read_prompt_set
from qbench.data.tables import read_csv, read_lines, read_parquet
from qbench.declared.read import read_raw
from qbench.errors import DataError, InputError
from qbench.execution.calibration import _in_file
from qbench.images.sources.files import FolderSource
from qbench.policy.model import read_policy
from qbench.spec.read import read_spec
from qbench.store.digests import file_digest
from qbench.store.files import NO_FILE, read_json
from qbench_embeddings.manifest import read_manifest
from qbench_transformers.fingerprint import check_content
from qbench_transformers.in_memory import model_type_of

READERS: dict[str, Callable[[Path], Any]] = {
    "spec": read_spec,
    "policy": read_policy,
    "description": read_raw,
    "prompts": read_prompt_set,
    "CSV": lambda path: read_csv(path, ["a"], how_to_get=""),
    "Parquet": lambda path: read_parquet(path, ["a"], how_to_get=""),
    "lines": lambda path: read_lines(path, how_to_get=""),
    "JSON": read_json,
    "texts": _in_file,
}
KINDS = ("pipe", "socket", "/dev/zero")


@pytest.fixture
def special(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    def make(kind: str) -> Path:
        path = tmp_path / kind
        if kind == "pipe":
            os.mkfifo(path)
        if kind == "socket":
            server.bind(str(path))
        return path

    def hangs(*_: object) -> None:
        raise TimeoutError("it hangs")

    usual = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(20)
    with socket.socket(socket.AF_UNIX) as server:
        yield make
    signal.alarm(0)
    signal.signal(signal.SIGALRM, usual)


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_refused_by_every_reader(special: Callable[[str], Path], kind: str) -> None:
    path = special(kind)
    for read in READERS.values():
        with pytest.raises(InputError, match=rf"{path}: .*({NO_FILE}|No such device)"):
            read(path)


@pytest.mark.parametrize("kind", KINDS)
def test_no_image_and_no_digest_is_made_of_them(special: Callable[[str], Path], kind: str) -> None:
    path = special(kind)
    for read in (file_digest, lambda path: FolderSource(path.parent).open(path.name)):
        with pytest.raises(OSError, match=rf"{NO_FILE}|No such device"):
            read(path)


def test_a_checkpoint_with_a_pipe_in_it_is_refused(special: Callable[[str], Path], tmp_path: Path) -> None:
    special("pipe").rename(tmp_path / "manifest.json")
    with pytest.raises(InputError, match=NO_FILE):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").rename(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="a device or a pipe, not a file"):
        check_content(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").rename(tmp_path / "config.json")
    assert model_type_of(tmp_path) == ""


def test_a_folder_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Is a directory"):
        read_lines(tmp_path, how_to_get="")
