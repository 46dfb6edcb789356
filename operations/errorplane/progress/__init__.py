"""How far a command is that reads much, as one line on a terminal."""

from __future__ import annotations

from errorplane.progress._line import MEGA, ProgressLine

__all__ = ["MEGA", "ProgressLine"]
