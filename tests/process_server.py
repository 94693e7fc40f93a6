"""Starts processes that need not import torch, transformers and pandas anew: a server imports them and forks.

A command of these tests takes a second, and importing what it needs takes four. The server imports nothing of qbench or
its plugins, so that each command finds them as they are installed for it; it computes nothing, so that it has no thread
to lose. Start a process the ordinary way where its imports, its noise or its signals are what is tested.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

IMPORTED = (
    *("torch", "torchvision", "transformers", "transformers.models.clip.modeling_clip", "safetensors.torch"),
    *("bitsandbytes", "accelerate", "pandas", "pyarrow.parquet", "scipy.stats", "PIL.Image", "rich.progress", "pytest"),
)


REWRITE = ("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
"""For pytest in such a process: it says so where a library that is imported already has a pytest plugin."""


class ProcessServer:
    """Runs Python as ``python ARGUMENTS`` does: ``-m MODULE ...`` or ``FILE ...``; use it as a context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            text=True,
        )

    def __enter__(self) -> ProcessServer:
        return self

    def __exit__(self, *_: object) -> None:
        with self._server:  # closes its pipes, which ends it, and waits for it
            pass

    def run(
        self, arguments: Sequence[object], *, cwd: Path, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments to its end; `env` is its whole environment."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        said = [self._folder / name for name in ("stdout", "stderr")]
        wanted = {
            "arguments": [str(x) for x in arguments],
            "cwd": str(cwd),
            "env": dict(env),
            "said": [str(path) for path in said],
        }
        print(json.dumps(wanted), file=self._server.stdin, flush=True)
        answer = self._server.stdout.readline()
        assert answer, "the process server has ended"
        return subprocess.CompletedProcess(
            wanted["arguments"], int(answer), *(path.read_text(encoding="utf-8") for path in said)
        )


def _serve() -> None:
    """Answer requests until there are no more; a child of this process runs each of them."""
    for name in IMPORTED:
        with suppress(ImportError):  # what is not installed is not needed
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what a child's collector does not visit need not be copied for it
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in requests:
        child = os.fork()
        if not child:
            requests.close()
            answers.close()
            _leave(_code(json.loads(line)))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, file=answers, flush=True)


def _code(wanted: dict[str, Any]) -> int:
    """Run what is wanted; return its exit code, and say of an error what the interpreter would say."""
    try:
        _become(wanted)
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            return left.code or 0
        print(left.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave(code: int) -> NoReturn:
    """End as the interpreter does, but leave the modules to the system: to take them down takes two seconds."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(wanted: dict[str, Any]) -> None:
    for number, path in zip((1, 2), wanted["said"], strict=True):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    first, *rest = wanted["arguments"]
    start = wanted["cwd"] if first == "-m" else str(Path(first).resolve().parent)
    sys.path[:0] = [start, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    importlib.invalidate_caches()
    if first == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    _serve()
