"""Writes the script of interactive charts into the package: ``python -m tools.charts_script``.

To be repeated when constraints.txt names another version of vl-convert; a test says so.
"""

from __future__ import annotations

import gzip
from pathlib import Path

from qbench.report import vega

if __name__ == "__main__":
    path = Path(vega.__file__).with_name(vega.SCRIPT)
    path.write_bytes(gzip.compress(vega.made_bundle().encode(), mtime=0))
    print(f"{path}: {path.stat().st_size:,} bytes")
