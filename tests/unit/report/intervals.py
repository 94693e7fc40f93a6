"""Runs of the fixtures declare no statistics, so their changes have no intervals: here are some, for the charts."""

from __future__ import annotations

from qbench.results import Results


def with_intervals(results: Results, half: float = 0.02) -> Results:
    """Give every known change of a run an interval of the same width."""
    effects = results.effects
    effects["low"], effects["high"] = effects["change"] - half, effects["change"] + half
    return results
