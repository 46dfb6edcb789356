"""Recorded telemetry decided by a policy as the processor would have, to know what another policy would keep."""

from __future__ import annotations

from errorplane.replay._figures import Figures
from errorplane.replay._kinds import sent_ns, signal_of
from errorplane.replay._progress import Progress
from errorplane.replay._recordings import MAX_BYTES, BadRecording, Recorded, Recording
from errorplane.replay._replay import Replay
from errorplane.replay._text import as_text

__all__ = [
    "MAX_BYTES",
    "BadRecording",
    "Figures",
    "Progress",
    "Recorded",
    "Recording",
    "Replay",
    "as_text",
    "sent_ns",
    "signal_of",
]
