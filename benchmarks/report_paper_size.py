"""How long the report of a study of the paper's size takes: to build, and to open in a browser.

    python benchmarks/report_paper_size.py [--models 9] [--keep FOLDER]

The run folder is made up as in ``analysis_paper_size.py``, and may be one of its. Needs Chromium and the test extra.
Printed are the seconds to build (at most 30), the size of the file (at most 8 MB), and the milliseconds until the load
event and until the first chart is live (at most 2,000), the middle of some openings, each in a browser of its own.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from analysis_paper_size import MODELS, timed, write
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
OPENED = 5
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
NODES = "document.querySelectorAll('*').length"


def opened(page_file: Path, browser: str) -> tuple[float, float, int]:
    """Milliseconds to the load event and to the first live chart, and the number of elements."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri(), wait_until="load")
        page.wait_for_selector("[data-live=yes]", state="attached", timeout=60_000)
        live = float(page.evaluate("performance.now()"))
        found = float(page.evaluate(LOADED)), live, int(page.evaluate(NODES))
        chromium.close()
    return found


def main() -> None:
    """Write the run if need be, judge it, build its report, open it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=len(MODELS), help="how many of the nine")
    parser.add_argument("--keep", type=Path, help="where to write the run folder, or one that was written before")
    given = parser.parse_args()
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        parser.error("no Chromium: install Debian's chromium")
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary) / "run"
        if not (folder / "run.json").exists():
            write(folder, MODELS[: given.models])
        if not (folder / "analysis").exists():
            timed(["analyse", str(folder)])
        page_file = Path(temporary) / "report.html"
        seconds, _ = timed(["report", str(folder), "--out", str(page_file)])
        print(f"built in {seconds:.1f} s, {page_file.stat().st_size / 1e6:.2f} MB")
        times = [opened(page_file, browser) for _ in range(OPENED)]
        loaded, live, nodes = (statistics.median(x) for x in zip(*times, strict=True))
        print(f"load event after {loaded:.0f} ms, first live chart after {live:.0f} ms, {nodes:.0f} elements")


if __name__ == "__main__":
    main()
