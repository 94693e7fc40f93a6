"""SVG drawings of Vega with fewer elements that look the same.

Vega draws each mark, each tick and each grid line as an element in groups of its own. A page with dozens of still
images opens quickly only if these are merged: lines and shapes of the same colour become one path, and groups without
an effect are removed.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

SVG = "http://www.w3.org/2000/svg"
_TRANSLATE = re.compile(r"translate\((-?[\d.e-]+),\s*(-?[\d.e-]+)\)")
_COMMAND = re.compile(r"([A-DF-Za-df-z])([^A-DF-Za-df-z]*)")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_DEFAULTS = {"opacity": "1", "stroke-width": "1", "fill-opacity": "1", "font-weight": "normal", "text-anchor": "start"}
_FONT = ("font-family", "font-size")


def simplify(text: str) -> str:
    """Merge the elements of an SVG drawing of Vega.

    Parameters
    ----------
    text : str
        A whole ``<svg>`` element.

    Returns
    -------
    str
        The same drawing. Elements that this module does not know are unchanged.
    """
    ET.register_namespace("", SVG)
    root = ET.fromstring(text)
    _inside(root)
    fonts = [tuple(e.get(k) for k in _FONT) for e in root.iter(f"{{{SVG}}}text")]
    if fonts:
        most = max(dict.fromkeys(fonts), key=fonts.count)
        for key, value in zip(_FONT, most, strict=True):
            if value is not None and all(f[_FONT.index(key)] is not None for f in fonts):
                root.set(key, value)
                for element in root.iter(f"{{{SVG}}}text"):
                    if element.get(key) == value:
                        del element.attrib[key]
    return ET.tostring(root, encoding="unicode")


def _inside(parent: ET.Element) -> None:
    """Simplify the content of an element, the deepest elements first."""
    found: list[ET.Element] = []
    for child in list(parent):
        _inside(child)
        child.attrib.pop("class", None) if child.tag == f"{{{SVG}}}g" else None
        for key, value in _DEFAULTS.items():
            if child.get(key) == value:
                del child.attrib[key]
        if child.tag == f"{{{SVG}}}g":
            if child.get("transform") in ("translate(0,0)", "translate(0, 0)"):
                del child.attrib["transform"]
            if not len(child):
                continue
            if not child.attrib:
                found += list(child)
                continue
        found.append(_as_path(child))
    for child in list(parent):
        parent.remove(child)
    parent.extend(_merged(found))


def _as_path(element: ET.Element) -> ET.Element:
    """Turn a line, or a path with a translation, into a path without one; return any other element unchanged."""
    moved = _TRANSLATE.fullmatch(element.get("transform", "translate(0,0)"))
    if moved is None:
        return element
    x, y = float(moved[1]), float(moved[2])
    if element.tag == f"{{{SVG}}}line":
        ends = [float(element.get(k, "0")) for k in ("x1", "y1", "x2", "y2")]
        d = f"M{_n(x + ends[0])},{_n(y + ends[1])}L{_n(x + ends[2])},{_n(y + ends[3])}"
    elif element.tag == f"{{{SVG}}}path":
        shifted = _shifted(element.get("d", ""), x, y)
        if shifted is None:
            return element
        d = shifted
    else:
        return element
    kept = {k: v for k, v in element.attrib.items() if k not in ("transform", "x1", "y1", "x2", "y2", "d")}
    return ET.Element(f"{{{SVG}}}path", {**kept, "d": d})


def _shifted(d: str, x: float, y: float) -> str | None:
    """Move a path by ``(x, y)``; None if it has a command that is not known here."""
    words: list[str] = []
    for command, rest in _COMMAND.findall(d):
        numbers = [float(n) for n in _NUMBER.findall(rest)]
        if command in "MLC" and len(numbers) % 2 == 0:
            numbers = [n + (x, y)[i % 2] for i, n in enumerate(numbers)]
        elif command == "A" and len(numbers) % 7 == 0:
            numbers = [n + (x if i % 7 == 5 else y if i % 7 == 6 else 0) for i, n in enumerate(numbers)]
        elif command in "HV":
            numbers = [n + (x if command == "H" else y) for n in numbers]
        elif command not in "mlhvaczZ" or (command == "m" and not words):
            return None
        words.append(command + ",".join(map(_n, numbers)))
    return "".join(words)


def _n(number: float) -> str:
    return f"{round(number, 2):g}" if abs(number) < 1e5 else str(round(number, 2))


def _merged(elements: list[ET.Element]) -> list[ET.Element]:
    """Merge consecutive paths that differ only in their outline."""
    found: list[ET.Element] = []
    for element in elements:
        last = found[-1] if found else None
        if last is not None and last.tag == element.tag == f"{{{SVG}}}path" and not len(last) and not len(element):
            mine, other = ({k: v for k, v in e.attrib.items() if k != "d"} for e in (last, element))
            # Overlapping transparent shapes look different in one path than in two.
            if mine == other and not {"opacity", "fill-opacity", "stroke-opacity", "clip-path", "id"} & set(mine):
                last.set("d", last.get("d", "") + element.get("d", ""))
                continue
        found.append(element)
    return found
