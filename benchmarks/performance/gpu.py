"""The same on a GPU: ``python -m performance.gpu`` in the folder of benchmarks writes docs/performance-gpu.md.

It needs the package itself and nothing else: no network, no report, no peer. With 20,000 photographs it takes some
minutes on a machine with 16 cores. ``--images 600 --decoded 200 --device cpu`` tries the script without a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from performance import decoding
from performance.inputs import write_images, write_spec
from performance.measured import python, qbench
from performance.page import Section, machine, target
from performance.timeline import bars
from qbench.models.numerics import numerics
from qbench.store.files import atomic
from qbench_clip.untrained import write_untrained

PAGE = Path(__file__).parents[2] / "docs" / "performance-gpu.md"
BATCH = 256
VARIANTS = "ViT-B-32:bf16,ViT-L-14:bf16,ViT-B-32:fp32"
TYPES = {"bf16": "bfloat16", "fp32": "float32"}
STAGE, FACTOR, FIXED = 0.9, 1.3, 10.0
TOLD = "bf16"
"""The targets are set for this precision."""
HEAD = """# How fast qbench is on a GPU

{machine}

Made by `cd benchmarks && python -m performance.gpu --images {images}`: {images:,} drawn JPEGs of 500 × 375, random
weights, batches of {batch}. Each number stands beside its limit, which was measured in the same run. There are
[more measurements on a CPU](performance.md).

- *Forward passes alone*: a process that has the model and one batch on the GPU, and asks for embeddings of that batch
  again and again. No program is faster with the same model.
- *Encode stage*: the seconds in which `qbench run` embeds images that are in the pixel store already: they are read,
  copied to the GPU, normalised, embedded, copied back and checked.
- *Whole run*: from the start of the process to its end, with an empty cache: imports, digests of all files, decoding,
  loading, embedding, metrics, analysis, and no report.
"""


@dataclass(frozen=True)
class Variant:
    """What was measured of one model in one precision.

    Attributes
    ----------
    name : str
        Of model and precision.
    alone, stage : float
        Images per second: of forward passes alone, and of the encode stage.
    whole : float
        Seconds of a whole run.
    spans : mapping of str to (float, float)
        When a stage of the whole run began and when it ended, in seconds since its log began.
    """

    name: str
    alone: float
    stage: float
    whole: float
    spans: Mapping[str, tuple[float, float]]

    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        share = f"{self.stage / self.alone:.2f}"
        spans = "; ".join(f"{stage} {begin:.1f} – {end:.1f}" for stage, (begin, end) in self.spans.items())
        return self.name, f"{self.alone:,.0f}", f"{self.stage:,.0f}", share, f"{self.whole:.1f}", spans


def main() -> None:
    """Write the page; messages go to standard error."""
    given = _arguments()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        _say("drawing images")
        photographs = write_images(root / "photographs", given.images)
        _say("decoding")
        (root / "decoding").mkdir()
        decoded = decoding.measure(root / "decoding", photographs, given.decoded, processes=(1,))
        shutil.rmtree(root / "decoding")
        per_second = max(float(row[1]) for row in decoded.rows)
        variants = [_measured(root, photographs, given, *name.split(":")) for name in given.variants.split(",")]
    head = HEAD.format(machine=_machine(given.device), images=given.images, batch=BATCH)
    with atomic(given.page) as file:
        section = _section(variants, given.images, per_second)
        file.write_text("\n".join([head, section.markdown(), decoded.markdown()]), encoding="utf-8")
    _say(f"written: {given.page}")


def _measured(root: Path, photographs: Path, given: argparse.Namespace, size: str, quantizer: str) -> Variant:
    """Measure one model in one precision: alone, in a whole run, and again with images that are decoded."""
    _say(f"{size} {quantizer}")
    weights, work = root / size, root / f"{size}-{quantizer}"
    if not weights.exists():
        write_untrained(size, weights)
    work.mkdir()
    spec = write_spec(work / "spec.toml", [weights], photographs, [quantizer], BATCH)
    spec.write_text(f'baseline = "{quantizer}"\ndevice = "{given.device}"\n' + spec.read_text(encoding="utf-8"))
    alone = python("forward.py", size, str(given.images), str(BATCH), TYPES[quantizer], given.device)
    cache = work / "cache"
    whole = qbench("run", str(spec), "--out", str(work / "cold"), "--no-report", cache=cache)
    spans = _spans(work / "cold" / "run.log.jsonl")
    shutil.rmtree(cache / "images")
    qbench("run", str(spec), "--out", str(work / "warm"), "--no-report", cache=cache)
    seconds = _seconds_of_images(work / "warm")
    shutil.rmtree(work)
    forward = given.images / float(alone.output.split()[-1])
    found = Variant(f"{size} {quantizer}", forward, given.images / seconds, whole.seconds, spans)
    _say(f"{found}")
    return found


def _spans(log: Path) -> dict[str, tuple[float, float]]:
    """Name of a stage → when it began and when it ended."""
    found: dict[str, tuple[float, float]] = {}
    for bar in bars(log):
        begin, end = found.get(bar["stage"], (bar["begin"], bar["end"]))
        found[bar["stage"]] = min(begin, bar["begin"]), max(end, bar["end"])
    return found


def _seconds_of_images(run: Path) -> float:
    """How long the only cell of a run was embedding images."""
    (record,) = run.glob("cells/**/cell.json")
    return float(json.loads(record.read_text(encoding="utf-8"))["seconds"]["images"])


def _section(variants: list[Variant], images: int, decoded_per_second: float) -> Section:
    findings = []
    for variant in variants:
        if variant.name.endswith(TOLD):
            limit = FACTOR * max(images / decoded_per_second, images / variant.alone) + FIXED
            share = target("encode stage / forward passes alone", variant.stage / variant.alone, STAGE, at_most=False)
            findings += [
                f"{variant.name}, {share}",
                f"{variant.name}, {target('whole run', variant.whole, limit, unit=' s')}",
            ]
    return Section(
        title="Forward passes, the encode stage, and a whole run",
        how=f"The limit of a whole run is {FACTOR} × the longer of decoding with all cores and forward passes alone, "
        f"plus {FIXED:.0f} s for the start.",
        columns=(
            *("variant", "forward passes alone, images/s", "encode stage, images/s", "ratio", "whole run, s"),
            "stages of the whole run: begin – end, s",
        ),
        rows=[variant.cells() for variant in variants],
        findings=findings,
    )


def _machine(device: str) -> str:
    card = torch.cuda.get_device_name() if device == "cuda" else "no GPU"
    return f"{machine(os.getloadavg()[0])} {card} ({numerics(device)})."


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000, help="photographs")
    parser.add_argument("--decoded", type=int, default=2000, help="photographs for decoding by one process and more")
    parser.add_argument("--variants", default=VARIANTS, help="size:precision, separated by commas")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write the page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
