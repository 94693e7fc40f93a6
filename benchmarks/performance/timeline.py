"""What a run does when, as a chart that is made from its structured log."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

STAGES = {"data": "read the data", "decode": "decode", "model": "load the model", "answer": "embed", "score": "metrics"}


def bars(log: Path) -> list[dict[str, Any]]:
    """The stages of a run: name, cell, begin and end in seconds since the run began.

    The end is reckoned from the begin: what was decoded beside other work is logged as done when that work is done.
    """
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    zero = datetime.fromisoformat(rows[0]["time"])
    found, begun = [], {}
    for row in rows:
        if row["stage"] not in STAGES:
            continue
        at, what = (datetime.fromisoformat(row["time"]) - zero).total_seconds(), (row["stage"], row["cell"])
        if row["seconds"] is None:
            begun[what] = at
        elif what in begun:
            begin = begun.pop(what)
            found.append(
                {"stage": STAGES[row["stage"]], "cell": row["cell"], "begin": begin, "end": begin + row["seconds"]}
            )
    return found


def draw(log: Path, chart_file: Path) -> None:
    """Write the chart, an SVG."""
    import vl_convert  # only to draw: the stages are read where it is not installed, too

    stages = list(STAGES.values())
    chart = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 720, "height": {"step": 26}, "background": "white", "data": {"values": bars(log)},
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": {"field": "begin", "type": "quantitative", "title": "seconds since the run began"},
            "x2": {"field": "end"},
            "y": {"field": "stage", "type": "nominal", "sort": stages, "title": None},
            "color": {"field": "stage", "type": "nominal", "sort": stages, "legend": None},
        },
    }  # fmt: skip
    chart_file.write_text(vl_convert.vegalite_to_svg(chart), encoding="utf-8")
