"""What breaks first on many machines: constants that are measured here, and a run that is simulated with them.

Run: ``python benchmarks/scale_simulation.py`` (two minutes). It measures what one image costs a process that opens the
data or scores a cell (memory and processor time), what one line of a list of parts costs, and the digest of one byte.
It simulates machines that compute parts of an array and enter each into its list, one after another, as
`qbench.store.arrays` does. Everything else is multiplied. The table is in docs/scale.md.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

from performance.inputs import CLASSES, describe, draw, name_of

from qbench.store.arrays import SHARD_ROWS, ShardedArray, rows_per_shard
from qbench.text import bytes_in_words, counted, duration

PIXEL_BYTES = 224 * 224 * 3
DAY = 86_400.0
ASK = """
import resource, sys, time
from pathlib import Path
from qbench.execution.plan import make_plan
from qbench.execution.prepare import prepare_benchmark
from qbench.plugins.registry import installed
from qbench.spec.read import read_spec
from qbench.store.cache import Cache
folder, scored = Path(sys.argv[1]), sys.argv[2] == "score"
begun = time.process_time()
spec = read_spec({"name": "s", "models": ["demo/balanced"], "quantizers": ["fp32"],
                  "benchmarks": [{"name": "declared", "root": str(folder / "dataset.toml")}]})
plan = make_plan(spec, installed())
(probe,) = plan.probes_of(plan.benchmarks[0])
data = prepare_benchmark(plan.benchmarks[0], Cache(folder / "cache"), [probe], limit=None, workers=2)
if scored:
    import numpy as np
    made = np.memmap(folder / "embeddings", "<f4", "w+", shape=(len(data.items.images), 512))
    for start in range(0, len(made), 1024):
        made[start:start + 1024] = np.random.default_rng(start).normal(size=made[start:start + 1024].shape)
    del made
    images = np.memmap(folder / "embeddings", "<f4", "r", shape=(len(data.items.images), 512))
    questions = data.questions[probe.qualified]
    answers = {"images": images, "texts": np.array(images[:questions.count])}
    begun = time.process_time()
    outcome = probe.record.load().outcome(data.task, data.items, questions, answers)
    data.task.measure(outcome).frame()
anonymous = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
print(time.process_time() - begun, int(anonymous[0].split()[1]) * 1024)
"""


def write_images(folder: Path, count: int) -> None:
    """Write a declared dataset of `count` names of one image."""
    for number in range(len(CLASSES)):
        (folder / "images" / str(number)).mkdir(parents=True)
    draw(0, folder / "images", (64, 64))
    first = folder / "images" / name_of(0)
    for number in range(1, count):
        os.link(first, folder / "images" / name_of(number))
    rows = (f"{name_of(i)},{CLASSES[i % 10]},{'ab'[i // 10 % 2]}" for i in range(count))
    (folder / "items.csv").write_text("\n".join(("file,class,half", *rows)) + "\n", encoding="utf-8")
    describe(folder)


def per_image(folder: Path, what: str, counts: tuple[int, int]) -> tuple[float, float]:
    """Processor seconds and bytes of memory that one further image costs a process which opens the data."""
    taken = []
    for count in counts:
        at = folder / str(count)
        if not at.exists():
            at.mkdir()
            write_images(at, count)
            subprocess.run([sys.executable, "-c", ASK, at, "open"], check=True, stdout=subprocess.DEVNULL)
        said = subprocess.run([sys.executable, "-c", ASK, at, what], check=True, capture_output=True, text=True).stdout
        taken.append([float(x) for x in said.split()])
    (a, b), (x, y) = counts, zip(*taken, strict=True)
    return (x[1] - x[0]) / (b - a), (y[1] - y[0]) / (b - a)


def per_line(folder: Path, lines: int = 100_000) -> float:
    """Processor seconds to read one line of the list of an array."""
    array = ShardedArray(folder / "array", {"of": "nothing"}, folder / "array.lock")
    with array.filling(2 * lines, rows_per_shard=1) as filling:
        file = filling.prepare((), "|u1")
        with (array.folder / "shards.jsonl").open("a", encoding="utf-8") as listed:
            listed.writelines(f'[{number}, "{hashlib.sha256(b"").hexdigest()}"]\n' for number in range(lines))
        begun = time.process_time()
        assert array.rows_done() == lines * len(file.of_shard(0))
        return (time.process_time() - begun) / lines


def per_entry(folder: Path, count: int = 2_000) -> float:
    """Processor seconds for which a machine that has finished a part locks the list."""
    array = ShardedArray(folder / "entered", {"of": "nothing"}, folder / "entered.lock")
    with array.filling(count, rows_per_shard=1) as filling:
        filling.prepare((), "|u1")
        begun = time.process_time()
        for number in range(count):
            filling.finish(number, "")
        return (time.process_time() - begun) / count


def per_byte(size: int = 2**28) -> float:
    """Processor seconds to compute the digest of one byte."""
    content, begun = bytes(size), time.process_time()
    hashlib.sha256(content).digest()
    return (time.process_time() - begun) / size


def filled(parts: int, nodes: int, seconds: float, line: float, entry: float, *, most: float = 100 * DAY) -> float:
    """Seconds until `nodes` machines have filled an array of so many parts.

    A machine computes a part in `seconds`, and reads the lines that others have added meanwhile, about one each. Then
    it locks the list for `entry` seconds.
    """
    seconds += (nodes - 1) * line
    waiting = [(seconds, node) for node in range(min(nodes, parts))]
    free, begun = 0.0, len(waiting)
    for _ in range(parts):
        ready, node = heapq.heappop(waiting)
        free = max(ready, free) + entry
        if free > most:
            return most
        if begun < parts:
            begun += 1
            heapq.heappush(waiting, (free + seconds, node))
    return free


def said(seconds: float, most: float) -> str:
    """A time; in bold where it is more than `most`."""
    text = f"more than {duration(100 * DAY)}" if seconds >= 100 * DAY else duration(seconds)
    return f"**{text}**" if seconds > most else text


def main() -> None:
    """Measure, simulate, and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--cores", type=int, default=16, help="that decode, on each machine")
    parser.add_argument(
        "--decoding", type=float, default=1985, help="images per second on each (docs/performance-gpu.md)"
    )
    parser.add_argument("--asking", type=float, default=2205, help="images per second (same page, ViT-L-14)")
    parser.add_argument("--memory", type=float, default=128, help="GiB of each machine")
    parser.add_argument("--hours", type=float, default=1, help="times above it are printed in bold")
    parser.add_argument("--counts", type=int, nargs=2, default=(5_000, 25_000), help="images that are measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        opening, open_bytes = per_image(folder, "open", tuple(given.counts))
        scoring, score_bytes = per_image(folder, "score", tuple(given.counts))
        line, entry, byte = per_line(folder), per_entry(folder), per_byte()
    print(f"- Each process that opens the data: {1e6 * opening:.0f} µs and {open_bytes:,.0f} bytes per image.")
    print(f"- The process that scores a cell as well: {1e6 * scoring:.0f} µs and {score_bytes:,.0f} bytes per image.")
    print(
        f"- A list of parts: {1e6 * line:.1f} µs to read a line; {1e6 * entry:.0f} µs to enter a part, on a local disk."
    )
    print(f"- A digest: {1e-9 / byte:.1f} GB per second and thread.\n")
    counts, most = [10**power for power in (6, 7, 8, 9)], 3600 * given.hours
    rows: dict[str, list[str]] = {}
    for count in counts:
        pixels, answers = -(-count // rows_per_shard(PIXEL_BYTES)), -(-count // SHARD_ROWS)
        decode, ask = rows_per_shard(PIXEL_BYTES) / given.decoding, SHARD_ROWS / given.asking
        memory = count * score_bytes
        cells = {
            "decoding, without lists": said(count / given.decoding / given.nodes, most),
            "decoding, with the lists": said(filled(pixels, given.nodes, decode, line, entry), most),
            "one variant's answers, without lists": said(count / given.asking / given.nodes, most),
            "one variant's answers, with the lists": said(filled(answers, given.nodes, ask, line, entry), most),
            "each process: reading the annotations": said(count * opening, most),
            "each process: the digest of all decoded images": said(count * PIXEL_BYTES * byte / given.cores, most),
            "one process: scoring a cell": said(count * scoring, most),
            "memory of the process that scores": f"**{bytes_in_words(memory)}**"
            if memory > given.memory * 2**30
            else bytes_in_words(memory),
            "disk space of the decoded images": bytes_in_words(count * PIXEL_BYTES),
        }
        for name, text in cells.items():
            rows.setdefault(name, []).append(text)
    print(f"| {counted(given.nodes, 'machine')} | {' | '.join(f'{count:,} images' for count in counts)} |")
    print("|---" * (len(counts) + 1) + "|")
    for name, texts in rows.items():
        print(f"| {name} | {' | '.join(texts)} |")


if __name__ == "__main__":
    main()
