"""Thumbnails of flipped items by group. They are shown only on request, because these are images of people."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from qbench.data.records import records
from qbench.errors import DataError
from qbench.images.locations import ImageLocation
from qbench.images.sources.files import FolderSource
from qbench.plugins.report_blocks import Block, Box, Heading, Section, Text, Thumbnail, Thumbnails
from qbench.report import formatting
from qbench.report.context import Context

SIZE, QUALITY = 96, 70
OFF = (
    "Switched off, because images of people may be in a report only if its readers may see them. `qbench report RUN "
    "--gallery 4 --data-root BENCHMARK=FOLDER` shows flipped items by group."
)
NOTICE = (
    "These images belong to the dataset. Its licence and the rights of the people in it apply: check both before "
    "you share this file."
)


def section(context: Context) -> Section:
    """Make one row of thumbnails per variant and group, lost predictions before gained ones."""
    title = "Flipped items"
    if not context.gallery:
        return Section("gallery", title, [Text(OFF, absent=True)])
    blocks: list[Block] = [Box("Thumbnails", NOTICE, "warning")]
    for benchmark, root in context.data_roots.items():
        if benchmark in context.numbers.benchmarks:
            blocks += [Heading(benchmark), *_rows(context, benchmark, root)]
    if len(blocks) == 1:
        names = formatting.listing(context.numbers.benchmarks)
        blocks.append(
            Box(
                "Nothing to show",
                f"Give a folder of images with --data-root. The benchmarks of this run are: {names}.",
                "note",
            )
        )
    return Section("gallery", title, blocks)


def _rows(context: Context, benchmark: str, root: Path) -> Iterator[Block]:
    results = context.numbers.results
    labels = context.numbers.labels(benchmark)
    for pair in results.pairs:
        cell, base = pair.variant, pair.baseline
        if pair.names.benchmark != benchmark or base is None or not (cell.done and base.done):
            continue
        before, after = base.table("items"), cell.table("items")
        if "correct" not in before or not before["item"].equals(after["item"]):
            continue
        was, now = (x["correct"].to_numpy(dtype=bool) for x in (before, after))
        flipped = before[was != now].assign(lost=was[was != now], answer=after.loc[was != now, "prediction"])
        attribute = next((a for a in labels if a in flipped), "")
        for group, frame in flipped.groupby(attribute, sort=False) if attribute else [("all", flipped)]:
            images = list(
                _images(frame.sort_values("lost", ascending=False, kind="stable").head(context.gallery), root)
            )
            who = f"{attribute}: {group}" if attribute else "all"
            where = " × ".join(formatting.isolated(x) for x in pair.names[:2])
            if images:
                shown = f"{len(images):,} of {formatting.count(len(frame), 'flipped item')}"
                yield Thumbnails(f"{where}, {formatting.isolated(who)}: {shown}", images)


def _images(frame: pd.DataFrame, root: Path) -> Iterator[Thumbnail]:
    for row in records(frame):
        uri = _thumbnail(root, str(row["image"]))
        if uri:
            word = "correct, now wrong" if row["lost"] else "wrong, now correct"
            yield Thumbnail(uri, f"{row['label']}, {word}: {row['answer']}")


def _thumbnail(root: Path, image: Any) -> str:
    """Make a small JPEG as a data URI, without the file's metadata; empty if there is no such image below `root`."""
    from qbench.images.decoding import open_image

    try:
        with open_image(ImageLocation(FolderSource(root), str(image))) as opened:
            small = opened.convert("RGB")
            small.thumbnail((SIZE, SIZE))
    except DataError:
        return ""
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
