"""Makes the README's screenshot, the first screen of a report: ``python -m tools.first_screen qbench-runs/demo``.

It needs what the tests in the browser need: playwright and Chromium.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import ViewportSize, sync_playwright

SCREENSHOT = Path(__file__).resolve().parents[1] / "docs" / "demo-report.png"
SIZE = ViewportSize(width=1280, height=1000)


def first_screen(report: Path) -> Image.Image:
    """Draw the first screen of a page, as a reader with a light screen and no network sees it."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(offline=True, viewport=SIZE, color_scheme="light").new_page()
        page.goto(report.resolve().as_uri(), wait_until="load")
        drawn = page.screenshot()
        browser.close()
    return Image.open(io.BytesIO(drawn)).convert("RGB")


if __name__ == "__main__":
    first_screen(Path(sys.argv[1]) / "report.html").quantize(256).save(SCREENSHOT, optimize=True)
    print(f"{SCREENSHOT}: {SCREENSHOT.stat().st_size:,} bytes")
