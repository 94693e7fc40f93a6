"""Measure how fast qbench is, and write a page: ``python -m performance --peer PYTHON`` in the folder of benchmarks.

It takes about 20 minutes on two cores. ``--images 60 --growth 200,400 --page /tmp/trial.md`` is a short trial. Nothing
else should run on the machine; the page says how busy it was.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from performance import decoding, galleries, growth, peer, timeline, whole
from performance.inputs import write_images
from performance.page import Section, machine
from qbench.store.files import atomic

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
HEAD = """# How fast qbench is

`make bench` made this page on one machine. Each number stands beside its limit or its peer, which was measured in the
same run of the same command. On other machines seconds differ; ratios should not.

{machine}

To repeat it, leave the machine alone and run `make bench`: about 20 minutes on two cores, without a network once the
two environments are there. It is

```
cd benchmarks
../.venv/bin/python -m performance --peer ../.venv-parity/bin/python --timeline ../docs/performance-timeline.svg
```

and takes `--images`, `--peer-images`, `--grid-images`, `--growth` and `--gallery` for other sizes. Images are drawn:
smooth colours with the noise of a camera, which as JPEGs are about as large as photographs. Weights are random, since
speed does not depend on them; so accuracies are those of chance, and are shown only to prove that both programs did the
same.
"""
NOT_MEASURED = """## What was not measured

- **A GPU.** Everything on this page was computed on a CPU. [Some measurements on a GPU](performance-gpu.md) are on a
  page of their own.
- **More cores than this machine has**, and disks that are slower than memory: what was read had just been written.
- **Models of other sizes, and generative models.** The larger the model, the smaller is what qbench adds to its forward
  passes.
- **Few images.** With some hundreds, the start of the process and the imports (the time of the second run in the first
  table and more) are most of a run.
"""


def main() -> None:
    """Write the page; messages go to standard error."""
    given = _arguments()
    load, begun = os.getloadavg()[0], time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        print("drawing images", file=sys.stderr, flush=True)
        photographs = write_images(root / "photographs", given.images)
        parts: dict[str, Callable[[Path], Section]] = {
            "whole": partial(whole.measure, dataset=photographs, images=given.images),
            "decoding": partial(decoding.measure, dataset=photographs, images=given.images),
            "growth": partial(growth.measure, counts=[int(count) for count in given.growth.split(",")]),
            "galleries": partial(galleries.measure, items=given.gallery),
        }
        if given.peer:
            parts["peer"] = partial(
                peer.measure, images=given.peer_images, grid_images=given.grid_images, interpreter=given.peer
            )
        sections = []
        for title, measure in parts.items():
            print(f"measuring: {title} (after {time.monotonic() - begun:.0f} s)", file=sys.stderr, flush=True)
            (root / title).mkdir()
            sections.append(measure(root / title).markdown())
            _remove_caches(root / title)
        if given.timeline:
            timeline.draw(root / "whole" / "run" / "run.log.jsonl", given.timeline)
            sections.append(f"## One run\n\n![What the run of the first table did when]({given.timeline.name})\n")
    took = f"All of this page took {(time.monotonic() - begun) / 60:.0f} minutes."
    head = HEAD.format(machine=f"{machine(load)} {took}")
    with atomic(given.page) as file:
        file.write_text("\n".join([head, *sections, NOT_MEASURED]), encoding="utf-8")
    print(f"written: {given.page}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=3000, help="photographs for decoding and a run of one model")
    parser.add_argument("--peer-images", type=int, default=1000, help="photographs for one model beside its peer")
    parser.add_argument("--grid-images", type=int, default=500, help="photographs for the grid of models")
    parser.add_argument("--growth", default="1000,5000,25000", help="numbers of images, separated by commas")
    parser.add_argument("--gallery", type=int, default=1_000_000, help="images of the gallery that is ranked")
    parser.add_argument("--peer", default="", help="the Python of an environment with CLIP_benchmark (make parity)")
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write the page")
    parser.add_argument("--timeline", type=Path, help="where to write the chart of one run, an SVG")
    return parser.parse_args()


def _remove_caches(folder: Path) -> None:
    """Free the disk of what later measurements do not need."""
    for cache in folder.rglob("cache*"):
        shutil.rmtree(cache, ignore_errors=True)


if __name__ == "__main__":
    main()
