"""A run folder → tables: what was run, the numbers, the changes against the baseline, tests and flags.

Reads what a run wrote and computes from it; needs no model, no image and no torch. Showing is `qbench.report`'s part.
"""

from qbench.results.results import Results, load
from qbench.runfolder.reader import Cell

__all__ = ["Cell", "Results", "load"]
