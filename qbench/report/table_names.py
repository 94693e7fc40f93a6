"""Which tables of a run can be exported, and in which formats. Light, so that the command line can list them."""

from __future__ import annotations

TABLES = (
    *("metrics", "effects", "populations", "flips", "exemplars", "variance", "predictors", "tests", "items"),
    *("coverage", "cost", "noise", "drift", "speed", "cells", "comparisons"),
)
"""The attributes of `qbench.results.Results` that are tables. The statistics add others, and so do sections."""

FORMATS = ("csv", "parquet", "md", "latex")
