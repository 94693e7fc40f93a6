"""Names for stored things: a hash of all that decides them.

A key that leaves something out serves one experiment the numbers of another; so whoever makes a key lists its parts as
plain values, and the parts are stored beside the thing for those who want to know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def key_of(parts: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of plain values, independent of the order of names.

    Raises
    ------
    TypeError
        A part is not plain (str, int, float, bool, None, list, dict): it could not be compared later.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
