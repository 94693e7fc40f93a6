"""What a section of a plugin draws with: light to import, and the same colours as the page."""

from __future__ import annotations

import re
import subprocess
import sys

from qbench.report.html import template_folder
from qbench.report.palette import VARIABLES

PUBLISHED = ("palette", "encodings", "formatting", "charts.forest", "charts.dots", "charts.before_after")


def test_what_plugins_draw_with_imports_nothing_heavy() -> None:
    modules = ", ".join(f"qbench.report.{x}" for x in PUBLISHED)
    code = f"import sys, {modules}; print({{'pandas', 'scipy', 'torch'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_colour_is_that_of_the_style_sheet() -> None:
    style = (template_folder() / "style.css").read_text(encoding="utf-8")
    light = style.partition("@media")[0]
    assert {c: v for c, v in VARIABLES.items() if re.search(rf"{v}: {c};", light)} == VARIABLES
