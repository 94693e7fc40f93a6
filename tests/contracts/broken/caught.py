"""Which check of a contract is there to catch a broken plugin."""

from __future__ import annotations

CAUGHT: dict[str, tuple[str, str]] = {}
"""Record → the check that is there to catch it, and what that says; empty for a whole one."""
