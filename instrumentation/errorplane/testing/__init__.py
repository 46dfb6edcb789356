"""Fakes for tests of applications and of errorplane itself: time, ids, and telemetry kept in memory."""

from __future__ import annotations

from errorplane.testing._capture import Capture
from errorplane.testing._clock import FixedClock
from errorplane.testing._ids import SeededIds

__all__ = ["Capture", "FixedClock", "SeededIds"]
