"""``errorplane demo``: a shop that fails on purpose, and what errorplane makes of its errors."""

from __future__ import annotations

from errorplane.demo._command import add

__all__ = ["add"]
