"""Specifications → images, and the script that makes them live. The one module that asks vl-convert anything.

Still images are drawn here, once, so that a page without its script has them all. The script is Vega, Vega-Lite and
vega-embed as vl-convert carries them, inlined once a page; making it takes seconds, so it is kept in the cache.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from markupsafe import Markup

from qbench.report.palette import finished, themed
from qbench.report.simplify_svg import simplify
from qbench.store.cache import cache_folder
from qbench.store.files import write_text

_ROLES = re.compile(r' (?:role|aria-[a-z]+|pointer-events)="[^"]*"')
_IDS = re.compile(r'(id="|url\(#)')
_EMPTY = re.compile(r'<path class="(?:background|foreground)"[^>]*/>')
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)" viewBox="0 0 [\d.]+ [\d.]+"')
_TEXTS = re.compile(r'<text text-anchor="(\w+)"[^>]*>([^<]*)<')
WIDER = 1.2
"""Pixels a character by which wide fonts (DejaVu Sans) exceed narrow ones (Roboto), at the size of the labels."""


def svg(spec: Mapping[str, Any]) -> str:
    """Draw as an SVG file, in the colours of the light theme."""
    import vl_convert

    return roomy(str(vl_convert.vegalite_to_svg({**finished(spec), "background": "#ffffff"}, allowed_base_urls=[])))


def pdf(spec: Mapping[str, Any]) -> bytes:
    """Draw as a PDF file."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_pdf({**finished(spec), "background": "#ffffff"}, allowed_base_urls=[]))


def still(spec: Mapping[str, Any], name: str) -> Markup:
    """Draw for a page: colours follow its theme; no style, no script, no id that another drawing has."""
    import vl_convert

    text = roomy(str(vl_convert.vegalite_to_svg(finished(spec), allowed_base_urls=[])))
    text = _IDS.sub(lambda found: f"{found[1]}{name}-", _ROLES.sub("", _EMPTY.sub("", text)))
    text = simplify(text)
    text = text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    return Markup(themed(text))  # vl-convert escapes the texts


def roomy(text: str) -> str:
    """Room at both sides for texts in a wider font than the one that they were measured in.

    A reader's system may have none of the fonts that vl-convert knows; a drawing that is made live measures again.
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


def bundle() -> str:
    """The script that makes charts live. The same for every report of this version of vl-convert."""
    path = cache_folder() / "scripts" / f"charts-{version('vl-convert-python')}.js"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    text = _made()
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        write_text(path, text)
    return text


@lru_cache(maxsize=1)
def _made() -> str:
    import vl_convert

    text = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    if "</script" in text.lower() or "<!--" in text:
        raise ValueError("vl-convert's script cannot stand in a page")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def policy_hash(text: str) -> str:
    """The source of a Content-Security-Policy that allows this very text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
