"""From specifications to drawings, and the script that makes charts interactive. Only this module uses vl-convert.

Still images are drawn here, so that a page without its script has all of them. They are kept in the cache folder as
vl-convert drew them; a file there that holds more than shapes and words is not used.

The script contains Vega, Vega-Lite and vega-embed as they come with vl-convert, and is put into each page once. Making
it takes seconds, so it is part of this package (``python -m tools.charts_script`` writes it); no script from outside
the installed package can enter a page.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

from markupsafe import Markup

from qbench.report.palette import finished, themed
from qbench.report.simplify_svg import SVG, simplify
from qbench.store.cache import Cache

_ROLES = re.compile(r' (?:role|aria-[a-z]+|pointer-events)="[^"]*"')
_IDS = re.compile(r'(id="|url\(#)')
_EMPTY = re.compile(r'<path class="(?:background|foreground)"[^>]*/>')
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)" viewBox="0 0 [\d.]+ [\d.]+"')
_TEXTS = re.compile(r'<text text-anchor="(\w+)"[^>]*>([^<]*)<')
_SHAPES = {
    f"{{{SVG}}}{name}"
    for name in ("svg", "g", "path", "line", "rect", "text", "tspan", "defs", "clipPath", "linearGradient", "stop")
}
_ACTS = re.compile("^on|href|style", re.I)
_OUTSIDE = re.compile(r"url\((?!#)", re.I)
SCRIPT = "vega.js.gz"
"""The script that makes charts interactive, in this package; its licence is in ``vega-licence.txt``."""
WIDER = 1.2
"""By how many pixels per character wide fonts (DejaVu Sans) exceed narrow ones (Roboto), at the size of the labels."""


def svg(spec: Mapping[str, Any]) -> str:
    """Draw a chart as an SVG file, in the colours of the light theme."""
    return padded(_svg({**finished(spec), "background": "#ffffff"}))


def pdf(spec: Mapping[str, Any]) -> bytes:
    """Draw a chart as a PDF file."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_pdf({**finished(spec), "background": "#ffffff"}, allowed_base_urls=[]))


class Drawings:
    """Draws charts for pages, and remembers in the cache what vl-convert drew: that takes most of the time of a page.

    Parameters
    ----------
    cache : Cache, optional
        Where to remember; nowhere if not given.
    """

    def __init__(self, cache: Cache | None = None) -> None:
        self._cache = cache

    def still(self, spec: Mapping[str, Any], name: str) -> Markup:
        """Draw a chart for a page, as `still` does."""
        return _for_page(self._drawn(finished(spec)), name)

    def _drawn(self, spec: dict[str, Any]) -> str:
        if self._cache is None:
            return _svg(spec)
        # The order of names in a specification can decide the order of marks.
        digest = hashlib.sha256(json.dumps(spec).encode()).hexdigest()
        memo = self._cache.memo("charts", {"spec": digest, "drawn by": version("vl-convert-python")})
        found = memo.read()
        if found is not None and _only_shapes(drawing := str(found.get("svg"))):
            return drawing
        drawing = _svg(spec)
        if not memo.write({"svg": drawing}):
            self._cache = None  # it was said once that nothing can be remembered
        return drawing


def still(spec: Mapping[str, Any], name: str) -> Markup:
    """Draw a chart for a page: with the colours of the page's theme, without styles or scripts, with unique IDs."""
    return Drawings().still(spec, name)


def _svg(spec: dict[str, Any]) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _only_shapes(text: str) -> bool:
    """Whether a text is an SVG of shapes and words alone, so that whoever wrote it can put nothing else into a page."""
    try:
        elements = list(ET.fromstring(text).iter())
    except ET.ParseError:
        return False
    values = [pair for element in elements for pair in element.attrib.items()]
    acts = any(_ACTS.search(name) or _OUTSIDE.search(value) for name, value in values)
    return not acts and all(element.tag in _SHAPES for element in elements)


def _for_page(text: str, name: str) -> Markup:
    text = padded(text)
    text = _IDS.sub(lambda found: f"{found[1]}{name}-", _ROLES.sub("", _EMPTY.sub("", text)))
    text = simplify(text)
    text = text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    return Markup(themed(text))  # vl-convert escapes the texts


def padded(text: str) -> str:
    """Add space at both sides for texts in a wider font than the one with which they were measured.

    The reader's system may have none of the fonts that vl-convert knows. An interactive chart is measured again.
    """
    left, right = (
        math.ceil(
            WIDER * max((len(words) for anchor, words in _TEXTS.findall(text) if (anchor == "end") is end), default=0)
        )
        for end in (True, False)
    )

    def wider(found: re.Match[str]) -> str:
        width, height = float(found[1]), found[2]
        return (
            f'width="{width + left + right:g}" height="{height}" viewBox="{-left} 0 {width + left + right:g} {height}"'
        )

    return _SIZE.sub(wider, text, count=1)


@lru_cache(maxsize=1)
def bundle() -> str:
    """Get the script that makes charts interactive. It is the same for every report."""
    return gzip.decompress((files("qbench.report") / SCRIPT).read_bytes()).decode()


def made_bundle() -> str:
    """Make this script from the installed vl-convert, which takes seconds.

    Raises
    ------
    ValueError
        The script cannot be put into a page.
    """
    import vl_convert

    text = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("the script of vl-convert cannot be put into a page")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def policy_hash(text: str) -> str:
    """Make the source for a Content-Security-Policy that allows exactly this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
