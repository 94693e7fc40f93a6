"""Measure how fast qbench is: ``python -m performance --peer PYTHON > page.md`` in the folder of benchmarks.

Hours are not needed: about half an hour on two cores. ``--images 300 --growth 1000,10000`` is a short trial. Nothing
else should run on the machine; the page says how busy it was.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from performance import decoding, growth, peer, timeline, whole
from performance.page import Section, machine

HEAD = """# How fast qbench is

This page was made by `make bench` on one machine: `python -m performance` in the folder `benchmarks`. Each number
stands beside its limit or its peer, which was measured in the same run. On other machines seconds differ; ratios
should not.
"""
NOT_MEASURED = """## What was not measured

The rows for a GPU: there was none on this machine.
"""
PICTURE = "performance-timeline.svg"


def main() -> None:
    """Print the page; messages go to standard error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=3000, help="photographs for all but the growth")
    parser.add_argument("--growth", default="1000,10000,100000", help="numbers of images, separated by commas")
    parser.add_argument("--peer", default="", help="the Python of an environment with CLIP_benchmark (make parity)")
    parser.add_argument("--picture", type=Path, help="where to write the picture of one run, an SVG")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    counts = [int(count) for count in given.growth.split(",")]
    print(f"{HEAD}\n{machine(load)}\n")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        parts: dict[str, Callable[[Path], Section]] = {
            "whole": partial(whole.measure, images=given.images),
            "decoding": partial(decoding.measure, images=given.images),
            "growth": partial(growth.measure, counts=counts),
        }
        if given.peer:
            parts["peer"] = partial(peer.measure, images=given.images, interpreter=given.peer)
        for title, measure in parts.items():
            print(f"measuring: {title}", file=sys.stderr, flush=True)
            print(measure(root / title).markdown(), flush=True)
        if given.picture:
            timeline.draw(root / "whole" / "run" / "run.log.jsonl", given.picture)
            print(f"## One run\n\n![What the run of the first table did when]({PICTURE})\n")
    print(NOT_MEASURED)


if __name__ == "__main__":
    main()
