"""Executes work units in a process of its own: ``units.py FOLDER`` reads what to do and writes the results there."""

import pickle
import sys
from pathlib import Path

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    work, units = pickle.loads((folder / "units.pickle").read_bytes())
    (folder / "results.pickle").write_bytes(pickle.dumps([work(unit) for unit in units]))
